"""Whatever is killed, or meets a full disk, wherever: each file is the old or the new one, whole.

What is left of temporary files goes with the next run, which ends as an unbroken one ends. Works
are those of ``helpers/victims.py``. ``pytest -m slow -s tests/test_kills.py`` prints the counts;
with SHAPEBIAS_RENEW=1 they go into the table of the site.
"""

import os
import random
import re
import shutil
import time
import zipfile
from pathlib import Path

import nbformat
import pandas as pd
import pytest
from helpers.faults import ARCHIVE, WORKS, Trials, Victims

pytestmark = pytest.mark.slow

AT_RANDOM = {
    "training": 25, "rounding of weights": 10, "cached measures": 45, "stored tables": 30,
    "clean results": 15, "figures": 20, "notebook runs": 6, "export-broden": 25,
    "caches of images and labels": 10, "site": 4, "fetch": 15,
}  # fmt: skip
"""Kills at random points of each work."""

FROM_NOTHING = ("training", "fetch", "caches of images and labels")
"""Works that do not replace what is there."""

TEMPORARY = re.compile(r"\.[^@/]+@\d+@")
INTERMEDIATE = re.compile(r"build/site-(source|doctrees)/|\.lock$|\.log$|^weights$")


@pytest.fixture
def victims(work):
    victims = Victims(work)
    yield victims
    victims.close()


def normal(path: Path) -> object:
    """What a file says, without times; an error where it is damaged."""
    if path.suffix == ".ipynb":
        cells = nbformat.read(path, as_version=4).cells
        return [(c.source, [o.get("text") for o in c.get("outputs", ())]) for c in cells]
    if path.name == "toy.csv":
        return pd.read_csv(path).drop(columns="seconds").to_csv()
    if path.name.endswith(".state.pt"):
        return zipfile.ZipFile(path).testzip()  # None where it is whole
    return path.read_bytes()


def contents(folder: Path) -> dict[str, object]:
    """Path -> what the file says; locks, temporary and intermediate files aside."""
    found = {}
    for path in sorted(folder.rglob("*")):
        name = str(path.relative_to(folder))
        if path.is_file() and not INTERMEDIATE.search(name) and not TEMPORARY.search(name):
            found[name] = normal(path)
    return found


def temporary(folder: Path) -> list[str]:
    return [str(p) for p in folder.rglob("*") if TEMPORARY.search(p.name)]


def judge_wholeness(folder: Path, work: str, old: dict, new: dict) -> None:
    """Each file is as before, or as after an unbroken run."""
    found = contents(folder)
    for name, said in found.items():
        if name.endswith(".state.pt"):
            assert said is None, name
        elif name == "toy.csv":  # grows row by row
            assert new[name].startswith(said), name
        elif name.endswith(".part"):
            assert ARCHIVE.startswith(said), name
        else:
            assert any(name in some and said == some[name] for some in (old, new)), name
    if work == "clean results":
        return
    lost = {name for name in old if name in new and name not in found}
    if lost and work == "site":  # between two names, the old one lies beside
        (aside,) = (folder / "build").glob(".*@*@old@site")
        assert lost == {f"build/site/{p.relative_to(aside)}" for p in aside.rglob("*.*")
                        if p.is_file()} & lost  # fmt: skip
    else:
        assert not lost
    for whole in ("build/site/", "broden-new/"):  # folders that appear at once
        own = {name for name in found if name.startswith(whole)}
        same = ({n for n in some if n.startswith(whole)} for some in (old, new))
        assert not own or own in same, f"a part of {whole}"


class Case:
    """A work with its folders before and after an unbroken run."""

    def __init__(self, work: str, folder: Path, victims: Victims, quick: bool = False) -> None:
        self.work, self.folder, self.victims, self.quick = work, folder, victims, quick
        self.before = folder / "before"
        self.before.mkdir()
        if work not in FROM_NOTHING:
            assert self.run(self.before, new=False)[0] == 0, self.log(self.before)
        self.old = contents(self.before)
        after = self.fresh()
        code, self.points, self.seconds = self.run(after)
        assert code == 0, self.log(after)
        self.new = contents(after)
        assert (self.new != self.old) and not temporary(after)

    def run(self, folder: Path, new: bool = True, **how: object) -> tuple[int, int, float]:
        return self.victims.run(self.work, folder, new, quick=self.quick, **how)

    def fresh(self) -> Path:
        folder = self.folder / "trial" / "data"
        shutil.rmtree(folder.parent, ignore_errors=True)
        shutil.copytree(self.before, folder)
        for card in folder.glob("*.json"):  # they are written before their weights are
            os.utime(card)
        return folder

    def log(self, folder: Path) -> str:
        return Path(f"{folder}.log").read_text()[-2000:]

    def judge(self, folder: Path) -> None:
        judge_wholeness(folder, self.work, self.old, self.new)
        code, *_ = self.run(folder)
        assert code == 0, "the rerun failed: " + self.log(folder)
        found = contents(folder)
        assert found == self.new, {n for n in found | self.new if found.get(n) != self.new.get(n)}
        assert not temporary(folder), temporary(folder)


def kernels_of(folder: Path) -> list[str]:
    """Processes that work in the folder: kernels whose runner is gone."""
    found = []
    for process in Path("/proc").glob("[0-9]*"):
        try:
            if (process / "cwd").readlink().is_relative_to(folder):
                found.append(process.name)
        except OSError:
            pass
    return found


@pytest.mark.parametrize("work", WORKS)
def test_killed_at_random(work, tmp_path, victims):
    case, trials = Case(work, tmp_path, victims), Trials("killed at random", work)
    chance = random.Random(work)
    for _ in range(AT_RANDOM[work]):
        folder, after = case.fresh(), chance.uniform(0, 1.05 * case.seconds)
        code, *_ = case.run(folder, kill_after=after)
        if code not in (0, -9):
            trials.judge(f"killed after {after:.2f} s", lambda code=code: pytest.fail(str(code)))
        trials.judge(f"killed after {after:.2f} s", lambda folder=folder: case.judge(folder))
    if work == "notebook runs":
        until = time.monotonic() + 30
        while kernels_of(tmp_path) and time.monotonic() < until:
            time.sleep(0.5)
        trials.judge("kernels end with their runner", lambda: check(not kernels_of(tmp_path)))
    trials.end()


def check(holds: bool) -> None:
    assert holds


@pytest.mark.parametrize("work", WORKS)
def test_killed_before_and_after_each_write(work, tmp_path, victims):
    case, trials = Case(work, tmp_path, victims, quick=True), Trials("killed at each write", work)
    assert case.points >= 2, "no case"
    for point in range(case.points):
        folder = case.fresh()
        code, *_ = case.run(folder, point=point)
        assert code == -9, (point, case.points, case.log(folder))
        trials.judge(f"point {point} of {case.points}", lambda folder=folder: case.judge(folder))
    trials.end()


@pytest.mark.parametrize("work", WORKS)
def test_a_full_disk_at_each_write(work, tmp_path, victims):
    case, trials = (
        Case(work, tmp_path, victims, quick=True),
        Trials("a full disk at each write", work),
    )
    for point in range(0, case.points, 2):
        folder = case.fresh()
        case.run(folder, point=point, how="full")
        trials.judge(f"point {point} of {case.points}", lambda folder=folder: case.judge(folder))
    trials.end()


def test_every_kill_at_random_is_counted():
    assert sum(AT_RANDOM.values()) >= 200 and set(AT_RANDOM) == set(WORKS)
