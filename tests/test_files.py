"""Files appear whole or not at all, and what a running process holds or writes stays."""

import errno
import os
import platform
import re
import signal
import subprocess
import sys

import pytest

from shapebias_utils import cleaning
from shapebias_utils.files import (
    atomic,
    atomic_folder,
    being_written,
    locked,
    remove_lock,
    sha256,
    writable,
)
from shapebias_utils.paths import ROOT

HERE, DEAD = platform.node(), 999_999_999


@pytest.fixture
def folder(tmp_path):
    return tmp_path


def files(folder):
    return sorted(p.name for p in folder.rglob("*") if p.is_file())


def test_the_hash_is_that_of_the_contents(folder):
    (folder / "abc").write_bytes(b"abc")  # the example of FIPS 180-2
    assert sha256(folder / "abc") == (
        "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
    )


def test_writable_makes_the_folder(folder):
    assert writable(folder / "a" / "b") == folder / "a" / "b"
    assert (folder / "a" / "b").is_dir()


def test_atomic_shows_the_old_file_until_the_new_one_is_whole(folder):
    target = folder / "table.csv"
    target.write_text("old")
    with atomic(target) as temporary:
        temporary.write_text("ne")
        assert target.read_text() == "old"
        assert temporary.suffix == ".csv" and temporary.parent == folder
        temporary.write_text("new")
    assert target.read_text() == "new" and files(folder) == ["table.csv"]


@pytest.mark.parametrize("existed", [False, True])
def test_atomic_changes_nothing_on_error(folder, existed):
    target = folder / "table.csv"
    if existed:
        target.write_text("old")
    with pytest.raises(KeyboardInterrupt), atomic(target) as temporary:
        temporary.write_text("half a ta")
        raise KeyboardInterrupt
    assert files(folder) == ["table.csv"] * existed
    assert not existed or target.read_text() == "old"


@pytest.mark.parametrize("durable", [True, False])
def test_a_file_is_on_the_disk_before_it_takes_its_place_and_its_name_after(
    folder, monkeypatch, durable
):
    done, fsync, replace = [], os.fsync, os.replace

    def recorded_fsync(opened):
        done.append(("fsync", os.readlink(f"/proc/self/fd/{opened}")))
        fsync(opened)

    def recorded_replace(source, target):
        done.append(("replace", str(source)))
        replace(source, target)

    monkeypatch.setattr(os, "fsync", recorded_fsync)
    monkeypatch.setattr(os, "replace", recorded_replace)
    with atomic(folder / "table.csv", durable=durable) as temporary:
        temporary.write_text("new")
    wanted = [("fsync", str(temporary)), ("replace", str(temporary)), ("fsync", str(folder))]
    assert done == (wanted if durable else wanted[1:2])


@pytest.mark.parametrize("write", [atomic, atomic_folder])
def test_a_full_disk_is_told_with_the_file_and_the_remedy(folder, write):
    with pytest.raises(OSError) as error, write(folder / "out"):
        raise OSError(errno.ENOSPC, "No space left on device")
    assert re.fullmatch(
        rf"cannot write {folder}/out \(No space left on device\): make room there, .*BUILD.*",
        str(error.value),
    )
    assert files(folder) == []


@pytest.mark.parametrize("existed", [False, True])
def test_a_folder_takes_the_place_of_the_old_one_at_once(folder, existed):
    target, left = folder / "site", folder / f".{HERE}@{DEAD}@site"
    left.mkdir()  # by a process that was killed
    if existed:
        target.mkdir()
        (target / "old.html").write_text("old")
    with atomic_folder(target) as temporary:
        (temporary / "new.html").write_text("new")
        assert not left.exists()
        assert target.exists() == existed and not (target / "new.html").exists()
    assert os.listdir(folder) == ["site"] and os.listdir(target) == ["new.html"]


def test_an_error_leaves_the_old_folder(folder):
    (folder / "site").mkdir()
    (folder / "site" / "old.html").write_text("old")
    with pytest.raises(KeyboardInterrupt), atomic_folder(folder / "site") as temporary:
        (temporary / "new.html").write_text("new")
        raise KeyboardInterrupt
    assert os.listdir(folder) == ["site"] and os.listdir(folder / "site") == ["old.html"]


def test_an_error_between_the_two_names_brings_the_old_folder_back(folder, monkeypatch):
    (folder / "site").mkdir()
    (folder / "site" / "old.html").write_text("old")
    replace = os.replace

    def fails(source, target):
        if os.path.exists(f"{source}/new.html"):
            raise OSError(errno.ENOSPC, "No space left on device")
        replace(source, target)

    monkeypatch.setattr(os, "replace", fails)
    with pytest.raises(OSError, match="make room"), atomic_folder(folder / "site") as temporary:
        (temporary / "new.html").write_text("new")
    assert os.listdir(folder) == ["site"] and os.listdir(folder / "site") == ["old.html"]


KILLED_WHILE_WRITING = """
import os, signal, sys
from pathlib import Path
from shapebias_utils.files import atomic
with atomic(Path(sys.argv[1])) as temporary:
    temporary.write_text("half a ta")
    os.kill(os.getpid(), signal.SIGKILL)
"""


def test_a_killed_writer_leaves_no_half_file_and_its_debris_goes_with_the_next_write(folder):
    target = folder / "table.csv"
    environment = os.environ | {"PYTHONPATH": str(ROOT)}
    done = subprocess.run([sys.executable, "-c", KILLED_WHILE_WRITING, target], env=environment)
    assert done.returncode == -signal.SIGKILL and not target.exists()
    assert len(files(folder)) == 1, "no case: nothing was left"
    with atomic(target) as temporary:
        temporary.write_text("whole")
    assert files(folder) == ["table.csv"]


MAY_RUN = {
    "of this machine": f".{HERE}@{os.getppid()}@table.csv",
    "of another machine": f".elsewhere@{DEAD}@table.csv",
    "of a machine whose name begins as this one's": f".{HERE}-2@{DEAD}@table.csv",
}


@pytest.mark.parametrize("name", MAY_RUN.values(), ids=MAY_RUN)
def test_temporary_files_of_processes_that_may_run_stay(folder, name):
    (folder / name).write_text("half a ta")
    assert being_written(folder / name)
    with atomic(folder / "table.csv") as temporary:
        temporary.write_text("whole")
    assert name in files(folder)


@pytest.mark.parametrize("name", ["table.csv", ".table.csv.lock", f".{HERE}@{DEAD}@table.csv"])
def test_nothing_else_is_being_written(folder, name):
    assert not being_written(folder / name)


def test_a_lock_that_is_held_is_not_removed(folder):
    lock = folder / ".table.csv.lock"
    with locked(folder / "table.csv"):
        assert not remove_lock(lock) and lock.exists()
        with pytest.raises(TimeoutError), locked(folder / "table.csv", wait=False):
            pass
    assert remove_lock(lock) and not lock.exists()
    with locked(folder / "table.csv", wait=False):
        assert lock.exists()


WAITER = """
import sys, time
from pathlib import Path
from shapebias_utils.files import locked
print("ready", flush=True)
with locked(Path(sys.argv[1])):
    seen = Path(sys.argv[2]).read_text()
    time.sleep(0.2)
    Path(sys.argv[2]).write_text(seen + "x")
"""


def test_who_waits_for_a_lock_that_is_removed_still_excludes_the_others(folder):
    """Three count up under a lock whose file is removed again and again: no count is lost."""
    (folder / "count").write_text("")
    command = [sys.executable, "-c", WAITER, folder / "table.csv", folder / "count"]
    environment = os.environ | {"PYTHONPATH": str(ROOT)}
    three = [subprocess.Popen(command, env=environment, stdout=subprocess.PIPE) for _ in range(3)]
    for process in three:
        process.stdout.readline()
    while any(process.poll() is None for process in three):
        if (folder / ".table.csv.lock").exists():
            remove_lock(folder / ".table.csv.lock")
    for process in three:
        process.communicate()
    assert (folder / "count").read_text() == "xxx"


def test_clean_leaves_what_a_run_holds_and_writes(folder, monkeypatch):
    monkeypatch.setattr(cleaning, "RESULTS", folder)
    place = folder / "pictograms" / "predict"
    with atomic(place / "writing.csv") as temporary, locked(place / "writing.csv"):
        temporary.write_text("half a ta")
        with locked(place / "done.csv"):
            (place / "done.csv").write_text("whole")
        (place / f".{HERE}@{DEAD}@killed.csv").write_text("half a ta")
        (place / "name_of_older_code_n=3.csv").write_text("whole")
        assert cleaning.clean("results") == (4, 2)
        assert files(folder) == sorted([temporary.name, ".writing.csv.lock"])
    assert files(folder) == [".writing.csv.lock", "writing.csv"]
    assert cleaning.clean("results") == (2, 0)
    assert place.is_dir(), "a run may be about to take a lock in it"
