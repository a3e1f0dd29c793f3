"""Commands as a user types them, each in a process of its own: what they said, what they took.

As a script it is the shell: it imports what takes seconds, once, reads requests, a JSON object a
line, forks for each, and prints how the command ended.
"""

import json
import os
import signal
import subprocess
import sys
import threading
import traceback
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path

PATIENCE = 300
"""Seconds after which a command is taken to hang, on a machine that is busy."""

IMPORTED = ("torch", "papermill", "nbformat", "yaml", "shapebias_utils.figures",
            "shapebias_utils.distortions", "shapebias_utils.datasets.broden",
            "shapebias_utils.datasets.imagenet", "shapebias_utils.datasets.tiny_imagenet",
            "shapebias_utils.datasets.pictograms", "shapebias_utils.measures.predictions",
            "shapebias_utils.networks.checkpoints", "shapebias_utils.doctor")  # fmt: skip


@dataclass(frozen=True)
class Ended:
    """How a command ended: its status, what it printed to either stream, and the processor's
    seconds and the most megabytes that it took, a notebook's kernel included."""

    code: int
    out: str
    err: str
    seconds: float
    megabytes: float


class Shell:
    """Runs commands that find images and keep results below `home` alone."""

    def __init__(self, home: Path) -> None:
        self.home, self.typed = home, 0
        root = Path(__file__).parents[2]
        own = {name: str(home / name.lower()) for name in ("RAW", "RESULTS", "FIGURES", "BUILD")}
        environment = os.environ | {f"SHAPEBIAS_{name}": path for name, path in own.items()}
        environment |= {"PYTHONPATH": str(root), "OMP_NUM_THREADS": "1"}
        self.process = subprocess.Popen(
            [sys.executable, __file__], env=environment, text=True,
            stdin=subprocess.PIPE, stdout=subprocess.PIPE,
        )  # fmt: skip

    def folder(self) -> Path:
        """An empty folder to type a command in."""
        self.typed += 1
        (folder := self.home / f"folder{self.typed}").mkdir()
        return folder

    def __call__(self, *args: str, cwd: Path) -> Ended:
        """`shapebias` with these arguments, in the folder `cwd`."""
        self.process.stdin.write(json.dumps([*args, str(cwd)]) + "\n")
        self.process.stdin.flush()
        child = int(self.process.stdout.readline())
        timer = threading.Timer(PATIENCE, os.killpg, [child, signal.SIGKILL])
        timer.start()
        code, seconds, kilobytes = self.process.stdout.readline().split()
        timer.cancel()
        texts = ((cwd / name).read_text(errors="replace") for name in ("out.txt", "err.txt"))
        return Ended(int(code), *texts, float(seconds), int(kilobytes) / 1024)

    def close(self) -> None:
        self.process.stdin.close()
        self.process.wait(60)
        self.process.stdout.close()


def _child(args: list[str], cwd: str) -> None:
    """Run the command as the interpreter would, and leave."""
    from shapebias_utils.cli import main

    os.setsid()
    os.chdir(cwd)
    for stream, name in ((1, "out.txt"), (2, "err.txt")):
        os.dup2(os.open(name, os.O_WRONLY | os.O_CREAT | os.O_TRUNC), stream)
    try:
        main(args)
    except SystemExit as ended:
        code = ended.code or 0
    except BaseException:
        traceback.print_exc()
        code = 1
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(code)


def _serve() -> None:
    for name in IMPORTED:
        import_module(name)
    sys.modules["torch"].set_num_threads(1)
    for line in sys.stdin:
        *args, cwd = json.loads(line)
        if (pid := os.fork()) == 0:
            _child(args, cwd)
        print(pid, flush=True)
        _, status, used = os.wait4(pid, 0)  # of the command and of all that it waited for
        code = os.waitstatus_to_exitcode(status)
        print(code, used.ru_utime + used.ru_stime, used.ru_maxrss, flush=True)


if __name__ == "__main__":
    _serve()
