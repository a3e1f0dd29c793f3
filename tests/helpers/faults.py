"""Trials of faults: killed at random or at a point, judged, counted for the site's table."""

import json
import os
import random
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

import nbformat
import pandas as pd

from shapebias_utils.files import atomic, locked
from shapebias_utils.notebooks import METADATA
from shapebias_utils.paths import ROOT

TABLE = ROOT / "docs" / "faults.csv"
"""Trials and failures as they were found last, shown on the site."""

WORKS = (
    "training", "rounding of weights", "cached measures", "stored tables", "clean results",
    "figures", "notebook runs", "export-broden", "caches of images and labels", "site", "fetch",
)  # fmt: skip
"""What gets killed: see ``victims.py``, which is not imported here, as it takes seconds."""

ARCHIVE = random.Random(0).randbytes(3_000_000)
"""What is fetched."""

COLUMNS = ["fault", "of", "trials", "failures"]


def record(fault: str, of: str, trials: int, failures: int) -> None:
    """Print the count; with SHAPEBIAS_RENEW=1 it takes its row in the table that is kept."""
    print(f"{fault}, {of}: {trials} trials, {failures} failures")
    if os.environ.get("SHAPEBIAS_RENEW"):
        with locked(TABLE):
            table = pd.read_csv(TABLE) if TABLE.exists() else pd.DataFrame(columns=COLUMNS)
            table = table[(table["fault"] != fault) | (table["of"] != of)]
            row = pd.DataFrame([(fault, of, trials, failures)], columns=COLUMNS)
            table = pd.concat([table, row]).sort_values(["fault", "of"])
            with atomic(TABLE) as path:
                table.to_csv(path, index=False)
        (TABLE.parent / f".{TABLE.name}.lock").unlink(missing_ok=True)


@dataclass
class Trials:
    """So many trials of one kind, each judged by itself; leaving records and judges them all."""

    fault: str
    of: str
    count: int = 0
    failures: list[str] = field(default_factory=list)

    def judge(self, what: str, judgement: Callable[[], None]) -> None:
        self.count += 1
        try:
            judgement()
        except Exception as error:
            self.failures.append(f"{what}: {type(error).__name__}: {error}")

    def end(self) -> None:
        record(self.fault, self.of, self.count, len(self.failures))
        assert not self.failures, "\n".join(self.failures[:10])


def notebook_in(folder: Path, *sources: str) -> Path:
    """A notebook of these cells; the first holds its parameters."""
    cells = [nbformat.v4.new_code_cell(source, id=f"cell{i}") for i, source in enumerate(sources)]
    cells[0].metadata["tags"] = ["parameters"]
    folder.mkdir(parents=True, exist_ok=True)
    nbformat.write(nbformat.v4.new_notebook(cells=cells, metadata=METADATA), folder / "00_a.ipynb")
    return folder / "00_a.ipynb"


class Victims:
    """The process that runs works of ``victims.py``."""

    def __init__(self, *works: str) -> None:
        environment = os.environ | {
            "PYTHONPATH": f"{ROOT}{os.pathsep}{ROOT / 'tests'}", "OMP_NUM_THREADS": "1",
        }  # fmt: skip
        environment.pop("SHAPEBIAS_FIGURES", None)
        self.process = subprocess.Popen(
            [sys.executable, Path(__file__).with_name("victims.py"), *works],
            env=environment, text=True,
            stdin=subprocess.PIPE, stdout=subprocess.PIPE,
        )  # fmt: skip

    def run(
        self, work: str, folder: Path, new: bool, kill_after: float | None = None, **point: object
    ) -> tuple[int, int, float]:
        """(exit code, points passed, seconds) of a work; killed after so many seconds, if said."""
        request = {"work": work, "folder": str(folder), "new": new, **point}
        self.process.stdin.write(json.dumps(request) + "\n")
        self.process.stdin.flush()
        pid = int(self.process.stdout.readline())
        began = time.monotonic()
        timer = None
        if kill_after is not None:
            timer = threading.Timer(kill_after, _kill, [pid])
            timer.start()
        code, points = map(int, self.process.stdout.readline().split())
        if timer:
            timer.cancel()
        return code, points, time.monotonic() - began

    def close(self) -> None:
        self.process.stdin.close()
        self.process.wait(300)
        self.process.stdout.close()


def _kill(pid: int) -> None:
    with suppress(ProcessLookupError):  # it ended just before
        os.kill(pid, signal.SIGKILL)
