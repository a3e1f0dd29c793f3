"""Places that are not as on the author's machine: full, read-only, homeless, oddly named, twice.

Every command ends as it should, or with one line that names the file and the remedy.
"""

import os
import platform
import re
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import nbformat
import pandas as pd
import pytest
from helpers.faults import Trials, notebook_in

from shapebias_utils.files import locked
from shapebias_utils.paths import ROOT

pytestmark = pytest.mark.slow

FOLDERS = ("DATA", "RAW", "RESULTS", "CHECKPOINTS", "FIGURES", "BUILD")

PATIENCE = 600
"""Seconds for what takes a few, on a machine that is busy."""

MEASURE = """
import pandas as pd
from types import SimpleNamespace as Facts
from shapebias_utils.results import cached, store
VERSION = 1
def measure(network, images, n):
    return pd.DataFrame({"value": range(n)})
network = Facts(name="N", seed=0, dataset="toy", checkpoint_hash=lambda: "a")
"""
CACHE = MEASURE + "cached(measure, network, Facts(name='i', digest='d'), n=n)\n"


def start(*args: str, cwd: Path, code: str = "", **environment: str | None) -> subprocess.Popen:
    """The command line in a process of its own, with nothing of this one's folders.

    `code` is run before, in the same process. An environment variable of None is removed.
    """
    changed = os.environ | {f"SHAPEBIAS_{name}": None for name in FOLDERS}
    changed |= {"PYTHONPATH": f"{ROOT}{os.pathsep}{ROOT / 'tests'}"} | environment
    # A shell has its background jobs ignore Ctrl-C, and so would this.
    code = f"import signal\nsignal.signal(signal.SIGINT, signal.default_int_handler)\n{code}"
    program = f"{code}\nimport sys\nfrom shapebias_utils.cli import main\nmain(sys.argv[1:])"
    return subprocess.Popen(
        [sys.executable, "-c", program, *args], cwd=cwd, text=True, stdin=subprocess.DEVNULL,
        env={k: v for k, v in changed.items() if v is not None},
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, start_new_session=True,
    )  # fmt: skip


def shapebias(*args: str, **options: object) -> tuple[int, str, list[str]]:
    """(exit code, what is printed, lines on stderr) of the command."""
    process = start(*args, **options)
    out, err = process.communicate(timeout=PATIENCE)
    return process.returncode, out, err.splitlines()


def place(folder: Path, *sources: str) -> dict[str, str]:
    """A notebook in `folder` (its root), and the environment that finds it there."""
    notebook_in(folder / "notebooks", "n: int = 10", *sources)
    return {"SHAPEBIAS_ROOT": str(folder)}


def left(folder: Path) -> list[str]:
    """Temporary files."""
    return [str(p) for p in folder.rglob(f".{platform.node()}@*")]


@pytest.fixture
def small_disk(tmp_path):
    """A disk of 2 MB, and a function that makes it read-only."""
    folder = tmp_path / "disk"
    folder.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=2m", "tmpfs", str(folder)]
    if os.geteuid() or subprocess.run(mount, capture_output=True).returncode:
        pytest.skip("only root may mount a small disk")
    yield folder, lambda: subprocess.run(["mount", "-o", "remount,ro", folder], check=True)
    subprocess.run(["umount", "-l", folder], check=True)


WRITING = f"""{MEASURE}
from pathlib import Path
from shapebias_utils.cli import app
from shapebias_utils.files import atomic

def weights():
    from torch import nn
    from shapebias_utils.networks.checkpoints import save
    with atomic(Path("checkpoints/a.safetensors").resolve()) as path:
        save(nn.Linear(n, 1), path)

n = 700_000
@app.command()
def go():
    """

WRITES = {
    "a cached result": "cached(measure, network, Facts(name='i', digest='d'), n=n)",
    "a stored table": "store(measure(0, 0, n), 'toy', 'kept', {})",
    "weights": "weights()",
}


@pytest.mark.parametrize("what", WRITES)
def test_a_full_disk_is_told_and_leaves_nothing(small_disk, what):
    disk, _ = small_disk
    trials = Trials("a disk of 2 MB", what)

    def judge() -> None:
        status, _, err = shapebias(
            "go", cwd=disk, code=WRITING + WRITES[what], SHAPEBIAS_ROOT=str(disk)
        )
        assert status == 1 and len(err) == 1, err
        assert re.match(r"shapebias: cannot write .*No space left .*make room there", err[0])
        assert not left(disk) and sum(p.stat().st_size for p in disk.rglob("*.*")) < 1000

    trials.judge(what, judge)
    trials.end()


def test_a_read_only_folder_is_told(small_disk):
    disk, make_read_only = small_disk
    environment = place(disk, "print(n)")
    make_read_only()
    status, _, err = shapebias("run", "0", cwd=disk, **environment)
    assert status == 1 and len(err) == 1, err
    assert f"cannot write in {disk}/build" in err[0] and "SHAPEBIAS_BUILD" in err[0]
    status, out, err = shapebias("fetch", "list", cwd=disk, **environment)
    assert status == 0 and "tiny_imagenet" in out, err


@pytest.mark.parametrize("home", [None, "/dev/null/nowhere"])
def test_without_a_home_commands_and_kernels_run(tmp_path, home):
    environment = place(tmp_path, "import matplotlib.figure", CACHE)
    for name in ("MPLCONFIGDIR", "XDG_CACHE_HOME", "XDG_CONFIG_HOME", "IPYTHONDIR"):
        environment[name] = None
    status, out, err = shapebias("run", "0", cwd=tmp_path, HOME=home, **environment)
    assert status == 0, err
    assert "00_a" in out and len(list(tmp_path.glob("data/results/toy/measure/*.csv"))) == 1


def test_two_clones_in_oddly_named_folders_run_at_once_from_elsewhere(tmp_path):
    """Each clone has a package of its own, and writes at home alone."""
    clones = [tmp_path / "ein Ordner, größer" / "形 & 'texture'", tmp_path / "zweiter Ordner"]
    running = []
    for number, clone in enumerate(clones):
        shutil.copytree(ROOT / "shapebias_utils", clone / "shapebias_utils")
        saying = "import shapebias_utils\nprint(shapebias_utils.__file__)"
        notebook_in(clone / "notebooks", f"n: int = {number + 5}", saying, CACHE)
        running.append(start("run", "0", cwd=tmp_path, PYTHONPATH=str(clone)))
    for number, (clone, process) in enumerate(zip(clones, running, strict=True)):
        out, err = process.communicate(timeout=PATIENCE)
        assert process.returncode == 0, err
        copy = clone / "build" / "00_a.ipynb"
        assert str(copy.relative_to(tmp_path)) in out
        (path,) = clone.glob("data/results/toy/measure/*.csv")
        assert len(pd.read_csv(path)) == number + 5
        said = [
            o.get("text", "") for c in nbformat.read(copy, 4).cells for o in c.get("outputs", ())
        ]
        assert str(clone / "shapebias_utils") in "".join(said)
        assert not left(clone)
    assert {p.name for p in tmp_path.iterdir()} == {clones[0].parent.name, clones[1].name}


def test_a_clock_that_goes_backwards_changes_nothing(tmp_path, monkeypatch):
    """Files from the future are read, and a training ends with the weights of any other."""
    from helpers.toy_training import STANDARD, toy_images, toy_network

    from shapebias_utils.networks.checkpoints import file_hash
    from shapebias_utils.training.loop import train

    now = iter(range(2_000_000_000, 0, -86_400))
    monkeypatch.setattr(time, "time", lambda: float(next(now)))
    train(toy_network, toy_images(), STANDARD, tmp_path / "back.safetensors")
    monkeypatch.undo()
    for path in tmp_path.rglob("*.*"):
        os.utime(path, (4_000_000_000, 4_000_000_000))
    before = file_hash(tmp_path / "back.safetensors")
    train(toy_network, toy_images(), STANDARD, tmp_path / "forth.safetensors")
    assert file_hash(tmp_path / "forth.safetensors") == before
    calls = []
    train(toy_network, toy_images(calls.append), STANDARD, tmp_path / "back.safetensors")
    assert not calls, "it is there already"


SIGNALS = {
    signal.SIGINT: (130, "shapebias: interrupted"),
    signal.SIGTERM: (143, "shapebias: terminated"),
}


def wait_for(path: Path, process: subprocess.Popen, seconds: int = PATIENCE) -> None:
    until = time.monotonic() + seconds
    while not path.exists() and time.monotonic() < until and process.poll() is None:
        time.sleep(0.05)
    assert path.exists(), process.communicate()


def gone(pid: int, seconds: int = 20) -> bool:
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        try:
            if Path(f"/proc/{pid}/stat").read_text().split()[2] == "Z":
                return True
        except OSError:
            return True
        time.sleep(0.1)
    return False


@pytest.mark.parametrize("number", SIGNALS, ids=lambda s: s.name)
def test_a_signal_ends_a_run_with_its_kernel(tmp_path, number):
    waiting = (
        "import os, pathlib, time\npathlib.Path('../pid').write_text(str(os.getpid()))\n"
        "os.replace('../pid', '../started')\ntime.sleep(300)"
    )
    environment = place(tmp_path, waiting)
    (tmp_path / "build").mkdir()
    (tmp_path / "build" / "00_a.ipynb").write_text("of the run before")
    process = start("run", "0", cwd=tmp_path, **environment)
    wait_for(tmp_path / "started", process)
    process.send_signal(number)
    out, err = process.communicate(timeout=PATIENCE)
    assert (process.returncode, err.strip()) == SIGNALS[number], out
    assert gone(int((tmp_path / "started").read_text())), "the kernel lives on"
    assert not left(tmp_path)
    assert (tmp_path / "build" / "00_a.ipynb").read_text() == "of the run before"
    with locked(tmp_path / "build" / "00_a.ipynb", wait=False):
        pass


TRAIN = """
import time
from pathlib import Path
from helpers.toy_training import STANDARD, toy_images, toy_network
from shapebias_utils.cli import app
from shapebias_utils.training.loop import train

def slowly(call):
    if call == 7:
        Path("started").touch()
        time.sleep(300)

@app.command()
def toy():
    train(toy_network, toy_images(slowly), STANDARD, Path("a.safetensors").resolve())
"""


@pytest.mark.parametrize("number", SIGNALS, ids=lambda s: s.name)
def test_a_signal_ends_a_training_which_then_goes_on(tmp_path, number):
    from helpers.toy_training import STANDARD, toy_images, toy_network

    from shapebias_utils.networks.checkpoints import file_hash
    from shapebias_utils.training.loop import train

    process = start("toy", cwd=tmp_path, code=TRAIN)
    wait_for(tmp_path / "started", process)
    process.send_signal(number)
    _, err = process.communicate(timeout=PATIENCE)
    status, said = SIGNALS[number]
    assert process.returncode == status and err.strip().endswith(said)
    assert not left(tmp_path) and not (tmp_path / "a.safetensors").exists()
    calls = []
    train(toy_network, toy_images(calls.append), STANDARD, tmp_path / "a.safetensors")
    assert len(calls) == 8, "the first of three epochs was kept"
    train(toy_network, toy_images(), STANDARD, tmp_path / "b.safetensors")
    assert file_hash(tmp_path / "a.safetensors") == file_hash(tmp_path / "b.safetensors")


@pytest.mark.parametrize("how", ["os._exit(3)", "os.kill(os.getpid(), 9)", "os.abort()"])
def test_a_kernel_that_dies_is_told_in_one_line(tmp_path, how):
    environment = place(tmp_path, f"import os\n{how}")
    status, _, err = shapebias("run", "0", cwd=tmp_path, **environment)
    assert status == 1 and len(err) == 1, err
    assert "00_a: the kernel died while a cell ran" in err[0] and "executed copy" in err[0]
    assert not left(tmp_path)
