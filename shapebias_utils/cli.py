"""The command line: ``shapebias run``, ``train``, ``doctor``, ``fetch``, ``networks``, ...

Everything heavy is imported inside the commands, so that ``shapebias --help`` answers at once.
"""

import os
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from .networks import Network

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
    shapebias run 3 -p dataset imagenet
    shapebias doctor                   what is there, what is missing, and how it comes
    """


@app.command()
def run(
    name: Annotated[str, typer.Argument(help='Number ("3"), name ("03_cue_conflict") or "all".')],
    parameters: Annotated[
        list[str],
        typer.Option("-p", metavar="NAME VALUE", help="A parameter of the notebook; repeatable."),
    ] = [],  # noqa: B006
    out: Annotated[
        Path | None, typer.Option(help="Folder of the executed copy, else build/<dataset>.")
    ] = None,
    html: Annotated[bool, typer.Option("--html", help="Also write the copy as HTML.")] = False,
    update: Annotated[
        bool, typer.Option("--update", help="Put the new outputs into the notebook itself.")
    ] = False,
) -> None:
    """Run a notebook, or all of them, without Jupyter.

    The notebook stays as it is: an executed copy is written. Parameters are checked before
    anything runs: those that a notebook has stand in its cell tagged "parameters", and an unknown
    one lists them. With "all", each notebook gets those of the parameters that it has.

    \b
    shapebias run 3
    shapebias run 03_cue_conflict -p networks AlexNet,AlexNet-R --html
    shapebias run 3 -p dataset imagenet -p stimuli ~/texture-vs-shape/stimuli
    shapebias run all --html
    """
    from . import running

    given = dict(_split(text) for text in parameters)
    if update and given:
        raise ValueError("--update shows what a notebook's defaults give: leave out -p, or --update")
    notebooks = running.find_notebooks(name)
    if len(notebooks) > 1:
        known = {p for notebook in notebooks for p in running.parameters_of(notebook)}
        for parameter in given:
            if parameter not in known:
                raise ValueError(
                    f"no notebook has a parameter {parameter!r}; there are {', '.join(sorted(known))}"
                )
    jobs = [(n, running.values_for(n, given, len(notebooks) > 1)) for n in notebooks]
    rows, failed = [], []
    for notebook, values in jobs:
        try:
            copy, seconds = running.run(notebook, values, out)
        except running.NotebookError as error:
            if len(jobs) == 1:
                raise
            print(f"shapebias: {_line(error)}", file=sys.stderr)
            failed.append(notebook.stem)
            rows.append((notebook.stem, "failed", ""))
            continue
        if html:
            running.to_html(copy)
        if update:
            running.update(notebook, copy)
        rows.append((notebook.stem, f"{seconds:.1f} s", _shown(copy.with_suffix(".html") if html else copy)))
    _table(rows)
    if failed:
        raise running.NotebookError(f"{len(failed)} of {len(jobs)} failed: {', '.join(failed)}")


def _split(text: str) -> tuple[str, str]:
    name, equals, value = text.partition("=")
    if not equals:
        raise ValueError(f"parameter {name!r} has no value; write -p {name} VALUE")
    return name, value


@app.command()
def train(
    architecture: Annotated[str, typer.Option(help="AlexNet, GoogLeNet or ResNet.")] = "AlexNet",
    training: Annotated[str, typer.Option(help="standard, robust or control.")] = "robust",
    seed: Annotated[int, typer.Option(min=0, help="Of weights, order and crops.")] = 0,
    dataset: Annotated[str, typer.Option(help="pictograms or imagenet.")] = "pictograms",
    all_: Annotated[bool, typer.Option("--all", help="All of the dataset's networks.")] = False,
    force: Annotated[
        bool, typer.Option("--force", help="Delete a finished checkpoint and train anew.")
    ] = False,
) -> None:
    """Train a network by its recipe, and first the one it goes on from.

    Progress, a log and a checkpoint are written every epoch; a run that was stopped goes on from
    its last epoch. A finished network is not trained again.

    \b
    shapebias train --architecture alexnet --training robust
    shapebias train --all --seed 1
    torchrun --nproc-per-node 4 -m shapebias_utils.cli train --architecture resnet
    """
    from .datasets import get_dataset
    from .training import RECIPES

    get_dataset(dataset)
    recipes = RECIPES[dataset]
    if all_:
        wanted = [(a, t) for a, trainings in recipes.items() for t in trainings]
    else:
        architecture = _choose("architecture", architecture, recipes)
        wanted = [(architecture, _choose("training", training, recipes[architecture]))]
    for network in [_network(dataset, *pair, seed) for pair in wanted]:
        _train(network, force)


def _choose(kind: str, name: str, known: Sequence[str]) -> str:
    for candidate in known:
        if candidate.lower() == name.lower():
            return candidate
    raise ValueError(f"unknown {kind} {name!r}; choose one of {', '.join(known)}")


def _network(dataset: str, architecture: str, training: str, seed: int) -> "Network":
    from .networks import get_network, network_names

    for name in network_names(dataset):
        network = get_network(name, dataset, seed)
        if (network.architecture, network.training) == (architecture, training):
            return network
    raise ValueError(f"{dataset} has no {training} {architecture}; `shapebias networks` lists them")


def _train(network: "Network", force: bool) -> None:
    pass


@app.command()
def doctor(
    strict: Annotated[
        bool, typer.Option("--strict", help="Exit with 1 if the default run lacks something.")
    ] = False,
) -> None:
    """Show what is there and what is missing, and for that the command or link that brings it."""
    from .doctor import examine

    findings = examine()
    _table([(f.state, f.topic, f.name, f.detail) for f in findings])
    lacking = [f for f in findings if f.state != "ok"]
    if lacking:
        print("\nWhat is not there comes by")
        _table([(f"  {f.name}", f.remedy) for f in lacking if f.remedy])
    needed = [f.name for f in lacking if f.needed]
    print("\nThe default run lacks " + ", ".join(needed) if needed else "\nThe default run has all it needs.")
    if strict and needed:
        raise typer.Exit(1)


@app.command()
def fetch(
    name: Annotated[str, typer.Argument(help="As in the list that `shapebias fetch list` prints.")],
) -> None:
    """Download a checkpoint; an interrupted download goes on, and the file's hash is checked.

    \b
    shapebias fetch list
    shapebias fetch alexnet
    """
    from .doctor import DOWNLOADS
    from .doctor import fetch as download

    if name == "list":
        return _table([(d.name, f"{d.megabytes} MB", d.note) for d in DOWNLOADS.values()])
    if name not in DOWNLOADS:
        raise ValueError(
            f"unknown download {name!r}; there are {', '.join(DOWNLOADS)} "
            "(`shapebias doctor` has links to the rest)"
        )
    print(_shown(download(DOWNLOADS[name])))


@app.command()
def networks(
    dataset: Annotated[str, typer.Option(help="Only this one's; else those of all.")] = "",
) -> None:
    """List the networks: architecture, training, and whether the checkpoint is there."""
    from .datasets import DATASETS
    from .doctor import checkpoint_state
    from .networks import get_network, network_names

    rows = [("dataset", "network", "architecture", "training", "checkpoint")]
    for where in [dataset] if dataset else DATASETS:
        for name in network_names(where):
            network = get_network(name, where)
            state, why = checkpoint_state(network)
            rows.append((where, name, network.architecture, network.training, f"{state}: {why}"))
    _table(rows)


@app.command()
def datasets() -> None:
    """List the datasets."""
    from .datasets import DATASETS, get_dataset

    rows = [("dataset", "title", "images", "classes", "attack")]
    for record in map(get_dataset, DATASETS):
        attack = f"L{record.attack.constraint} eps {record.attack.eps:g}, {record.attack.steps} steps"
        size = f"{record.size} x {record.size}"
        rows.append((record.name, record.title, size, str(record.n_classes), attack))
    _table(rows)


@app.command()
def clean(
    what: Annotated[str, typer.Argument(help="results, figures, images or build.")],
) -> None:
    """Remove caches, which come back when they are needed; committed files and checkpoints stay.

    \b
    results   tables computed for one network and one set of images
    figures   figures that are not committed
    images    rendered pictograms
    build     executed notebooks and their HTML
    """
    from .doctor import clean as remove

    removed, kept = remove(what)
    print(f"{removed} file{'s' * (removed != 1)} removed" + (f", {kept} committed kept" if kept else ""))


def _table(rows: Sequence[Sequence[str]]) -> None:
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    for row in rows:
        print("  ".join(f"{cell:<{w}}" for cell, w in zip(row, widths, strict=True)).rstrip())


def _shown(path: Path) -> str:
    """The path as one would type it here."""
    return os.path.relpath(path) if path.is_relative_to(Path.cwd()) else str(path)


def _line(error: BaseException) -> str:
    """The error in one line."""
    return " ".join(str(error).split()) or type(error).__name__


def _joined(args: Sequence[str]) -> list[str]:
    """``-p NAME VALUE`` as the one argument ``NAME=VALUE``, which typer can repeat."""
    left, joined = list(args), []
    while left:
        joined.append(left.pop(0))
        if joined[-1] == "-p" and left:
            name = left.pop(0)
            joined.append(f"{name}={left.pop(0)}" if "=" not in name and left else name)
    return joined


def main(args: Sequence[str] | None = None) -> None:
    """Run a command and exit: 0, 1 after an error (one line says which), 2 after wrong usage."""
    args = list(sys.argv[1:] if args is None else args)
    debug = "--debug" in args
    try:
        code = app(_joined(a for a in args if a != "--debug"), "shapebias", standalone_mode=False)
    except (ValueError, OSError, ArithmeticError, RuntimeError) as error:
        if debug:
            raise
        if isinstance(error, BrokenPipeError):  # the reader of a pipe has seen enough
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
            sys.exit(0)
        print(f"shapebias: {_line(error)}", file=sys.stderr)
        sys.exit(1)
    except Exception as error:
        if debug or not hasattr(error, "format_message"):
            raise
        print(f"shapebias: {error.format_message()} See `shapebias --help`.", file=sys.stderr)
        sys.exit(2)
    sys.exit(code or 0)


if __name__ == "__main__":
    main()
