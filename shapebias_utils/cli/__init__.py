"""The command line: ``shapebias run``, ``train``, ``doctor``, ``fetch``, ``networks``, ...

Everything heavy is imported inside the commands, so that ``shapebias --help`` answers at once.
"""

import os
import signal
import sys
import threading
from collections.abc import Sequence
from typing import Annotated

import typer

from .bias import bias
from .claims import claims
from .data import clean, datasets, doctor, fetch, networks
from .images import distort, export_broden
from .notebooks import run
from .printing import line
from .site import look, site
from .training import study, train

INTERRUPTED, TERMINATED = 130, 143  # what shells expect after Ctrl-C, and after SIGTERM

app = typer.Typer(
    add_completion=False,
    no_args_is_help=True,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
)


@app.callback()
def options(
    debug: Annotated[bool, typer.Option("--debug", help="Show the traceback of an error.")] = False,
) -> None:
    """Shape and texture bias of adversarially trained networks: notebooks, training, data.

    \b
    shapebias run all                  every notebook on Pictogram-16: no download, minutes
    shapebias run 3                    one of them, headless, into build/
    shapebias bias NAME...             shape bias of networks, published ones by their names
    shapebias look 03_heatmap          open a figure that a notebook made
    shapebias claims                   what became of each of the papers' claims
    shapebias site                     all of it as pages that open offline
    shapebias doctor                   what is there, what is missing, and how it comes
    """


COMMANDS = (
    run, bias, look, claims, site, train, study, doctor, fetch, networks, datasets, distort,
    export_broden, clean,
)  # fmt: skip
for command in COMMANDS:
    app.command()(command)


def _joined(args: Sequence[str]) -> list[str]:
    """``-p NAME VALUE`` as the one argument ``NAME=VALUE``, which typer can repeat."""
    left, joined = list(args), []
    while left:
        joined.append(left.pop(0))
        if joined[-1] == "-p" and left:
            name = left.pop(0)
            joined.append(f"{name}={left.pop(0)}" if "=" not in name and left else name)
    return joined


def _leave_on_sigterm() -> None:
    """Have SIGTERM end the command as Ctrl-C does: kernels end and temporary files go.

    Ranks of torchrun die at once, as they may wait in a call that no handler interrupts.
    """
    main_thread = threading.current_thread() is threading.main_thread()
    if main_thread and "WORLD_SIZE" not in os.environ:
        signal.signal(signal.SIGTERM, lambda *_: sys.exit(TERMINATED))


def main(args: Sequence[str] | None = None) -> None:
    """Run a command and exit: 0, 1 after an error (one line says which), 2 after wrong usage."""
    args = list(sys.argv[1:] if args is None else args)
    debug = "--debug" in args
    try:
        _leave_on_sigterm()
        code = app(_joined(a for a in args if a != "--debug"), "shapebias", standalone_mode=False)
        sys.stdout.flush()  # here, where a reader that has left is dealt with
    except (KeyboardInterrupt, typer.Abort):
        code = INTERRUPTED
    except SystemExit as ended:
        code = ended.code
    except (ValueError, OSError, ArithmeticError, RuntimeError) as error:
        if debug:
            raise
        if isinstance(error, BrokenPipeError):  # the reader of a pipe has seen enough
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
            sys.exit(0)
        print(f"shapebias: {line(error)}", file=sys.stderr)
        sys.exit(1)
    except Exception as error:
        if debug or not hasattr(error, "format_message"):
            raise
        print(f"shapebias: {error.format_message()} See `shapebias --help`.", file=sys.stderr)
        sys.exit(2)
    if code == INTERRUPTED:  # typer answers Ctrl-C with this code, and in silence
        print("shapebias: interrupted", file=sys.stderr)
    if code == TERMINATED:
        print("shapebias: terminated", file=sys.stderr)
    sys.exit(code or 0)
