"""All benchmarks, one after the other, into one table of ratios: ``make bench``.

Each file's ``rows()`` is short, and runs in a process of its own. A row says what was held against
what, both times, their ratio (above 1 where ours is faster, or the stated limit is kept) and the
ratio that is wanted. The table is kept as ``data/results/bench.csv``, with versions and processor.
"""

import argparse
import json
import platform
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from importlib import import_module
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

import pandas as pd

HERE = Path(__file__).parent
COLUMNS = ["bench", "case", "against", "seconds", "other", "ratio", "target", "note"]
PACKAGES = (
    "torch", "torchvision", "numpy", "scipy", "pillow", "captum", "robustness", "foolbox",
    "imagecorruptions",
)  # fmt: skip


def names() -> list[str]:
    return sorted(path.stem.removeprefix("bench_") for path in HERE.glob("bench_*.py"))


def processor() -> str:
    """The processor's name, as Linux knows it."""
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
        return next(line.split(": ")[1] for line in lines if line.startswith("model name"))
    except (OSError, StopIteration):
        return platform.processor() or platform.machine()


def measured(name: str) -> Iterator[dict]:
    """The rows of one benchmark, run by itself; a row that says so where it fails."""
    with tempfile.TemporaryDirectory() as folder:
        out = Path(folder) / "rows.json"
        command = [sys.executable, __file__, "--only", name, "--json", str(out)]
        done = subprocess.run(command, stderr=subprocess.PIPE, text=True)
        if done.returncode or not out.exists():
            last = (done.stderr.strip().splitlines() or ["ended without a word"])[-1]
            yield {"bench": name, "case": "failed", "note": last}
            return
        for row in json.loads(out.read_text()):
            yield {"bench": name} | row


def facts() -> dict[str, str]:
    found = {"processor": processor(), "python": platform.python_version()}
    for package in PACKAGES:
        try:
            found[package] = version(package)
        except PackageNotFoundError:
            found[package] = "not installed"
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--only", choices=names(), help="this one alone, its rows as JSON")
    parser.add_argument("--json", type=Path, help=argparse.SUPPRESS)
    chosen = parser.parse_args()
    if chosen.only:
        rows = list(import_module(f"bench_{chosen.only}").rows())
        if chosen.json:
            chosen.json.write_text(json.dumps(rows))
        print(pd.DataFrame(rows).to_string(index=False))
        return
    from shapebias_utils.results import store

    rows = [row for name in names() for row in measured(name)]
    table = pd.DataFrame(rows).reindex(columns=COLUMNS)
    path = store(table.assign(**facts()), "", "bench", {"what": "times side by side, make bench"})
    print(table.to_string(index=False))
    missed = table[table["ratio"] < table["target"]]
    print(f"\n{path}: {len(table)} rows, {len(missed)} below their targets")


if __name__ == "__main__":
    main()
