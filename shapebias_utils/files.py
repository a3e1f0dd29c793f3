"""Files written whole or not at all, held against other processes, and told apart by their hash."""

import errno
import glob
import hashlib
import os
import platform
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from .distributed import barrier, rank
from .paths import ROOT

_TEMPORARY = re.compile(r"\.([^@]*)@(\d+)@.")
"""The names of temporary files: machine, process, and the file that they shall become."""

FULL = (errno.ENOSPC, errno.EDQUOT)
"""Errors of a disk that is full, or of a user who may have no more of it."""


def line(error: object) -> str:
    """What the error, or whatever was read, says, in one line; an empty one its type."""
    return " ".join(str(error).split()) or type(error).__name__


def check_bytes(path: Path, most: float, what: str) -> None:
    """ValueError where a file, to be read as a whole, is larger than so many bytes."""
    size = path.stat().st_size
    if size > most:
        raise ValueError(
            f"{path} has {size / 1e6:,.0f} MB, more than the {most / 1e6:,.0f} MB that {what} may "
            "have: replace it by the right file"
        )


TABLE = 500e6
"""Bytes of a table that is read; Broden's largest has some 20 million."""


def sha256(path: Path) -> str:
    """The file's SHA-256, 64 hex digits."""
    with open(path, "rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def writable(folder: Path) -> Path:
    """The folder, made if need be; OSError names it and the remedy where it cannot be written."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
        if not os.access(folder, os.W_OK):
            raise PermissionError("no write permission")
    except OSError as error:
        raise type(error)(
            f"cannot write in {folder} ({error.strerror or error}): give yourself write "
            "permission there, or set SHAPEBIAS_DATA, SHAPEBIAS_RESULTS, SHAPEBIAS_FIGURES or "
            "SHAPEBIAS_BUILD to a folder of your own"
        ) from None
    return folder


@contextmanager
def atomic(path: Path, durable: bool = True) -> Iterator[Path]:
    """A temporary path beside `path` that takes its place on leaving, or is gone on error.

    What a process that was killed while writing has left there is gone with the next call. Once
    this returns the file outlives a crash of the machine, unless it is not to be `durable`, as for
    caches of many small files.
    """
    path = Path(path)
    # The suffix stays last: numpy and matplotlib choose the format by it.
    temporary = _beside(path)
    try:
        yield temporary
        if durable:
            _to_disk(temporary)
        os.replace(temporary, path)
        if durable:
            _to_disk(path.parent)
    except OSError as error:
        if error.errno in FULL:
            raise _no_room(path, error) from None
        raise
    finally:
        temporary.unlink(missing_ok=True)


@contextmanager
def atomic_folder(folder: Path) -> Iterator[Path]:
    """An empty folder beside `folder` that takes its place on leaving, or is gone on error.

    What was there is removed then. What a killed process has left is gone with the next call.
    """
    temporary = _beside(folder)
    old = temporary.with_name(temporary.name.replace("@" + folder.name, f"@old@{folder.name}"))
    temporary.mkdir()
    try:
        yield temporary
        if folder.exists():  # to which a name cannot be given in one step
            os.replace(folder, old)
        os.replace(temporary, folder)
    except BaseException as error:
        if old.exists() and not folder.exists():
            os.replace(old, folder)
        if isinstance(error, OSError) and error.errno in FULL:
            raise _no_room(folder, error) from None
        raise
    finally:
        shutil.rmtree(temporary, ignore_errors=True)
        shutil.rmtree(old, ignore_errors=True)


def _no_room(path: Path, error: OSError) -> OSError:
    return OSError(
        f"cannot write {path} ({error.strerror}): make room there, or set SHAPEBIAS_DATA, "
        "SHAPEBIAS_RESULTS, SHAPEBIAS_FIGURES or SHAPEBIAS_BUILD to a folder on another disk"
    )


def _beside(path: Path) -> Path:
    """A temporary path for `path`; those that killed processes have left are removed."""
    writable(path.parent)
    for left in path.parent.glob(f".*@*@{glob.escape(path.name)}"):
        if being_written(left):
            continue
        if left.is_dir():
            shutil.rmtree(left, ignore_errors=True)
        else:
            left.unlink(missing_ok=True)
    return path.with_name(f".{platform.node()}@{os.getpid()}@{path.name}")


def _to_disk(path: Path) -> None:
    """Have the system write what it holds of a file, or of the names in a folder."""
    if path.is_dir() and os.name != "posix":  # where folders cannot be opened
        return
    opened = os.open(path, os.O_RDONLY if path.is_dir() else os.O_RDWR)
    try:
        os.fsync(opened)
    finally:
        os.close(opened)


def being_written(path: Path) -> bool:
    """Whether this is a temporary file, or folder, of :func:`atomic` whose process may still run.

    Of processes of other machines nothing is known: they may.
    """
    found = _TEMPORARY.match(path.name)
    if found is None:
        return False
    machine, process = found.groups()
    if machine != platform.node() or os.name != "posix":  # elsewhere signal 0 does harm
        return True
    try:
        os.kill(int(process), 0)
    except ProcessLookupError:
        return False
    except OSError:
        pass  # it runs, but is another user's
    return True


@contextmanager
def locked(path: Path, together: bool = False, wait: bool = True) -> Iterator[None]:
    """Hold `path` against other processes: who comes second waits, or gets TimeoutError.

    With `together`, all ranks under torchrun hold it as one: each enters when rank 0 has it.
    Without, they would enter one by one, and wait forever for each other in a collective call.
    """
    from filelock import FileLock

    path = Path(path)
    if together and rank() > 0:
        barrier()
        yield
        return
    with FileLock(writable(path.parent) / f".{path.name}.lock", timeout=-1 if wait else 0):
        if together:
            barrier()
        yield


def remove_lock(lock: Path) -> bool:
    """Remove the file that :func:`locked` leaves; False, and it stays, where a process holds it.

    Who waits for it, or opened it just before, finds it gone and makes it anew.
    """
    from filelock import FileLock

    try:
        with FileLock(lock, timeout=0):
            lock.unlink()
    except TimeoutError:
        return False
    return True


def _git(*arguments: str) -> str:
    """What git prints; nothing where there is no git, or no repository."""
    try:
        done = subprocess.run(
            ["git", "-C", str(ROOT), *arguments], capture_output=True, text=True, check=True
        )
    except (OSError, subprocess.CalledProcessError):
        return ""
    return done.stdout.strip()


@cache
def provenance() -> dict[str, str]:
    """Versions, commit and device under which a result is being computed."""
    facts = {"python": platform.python_version(), "machine": platform.machine()}
    for package in ("torch", "torchvision", "numpy", "pandas", "scipy", "shapebias-utils"):
        try:
            facts[package] = version(package)
        except PackageNotFoundError:
            facts[package] = "not installed"
    facts["commit"] = _git("rev-parse", "--short", "HEAD") or "unknown"
    if _git("diff", "HEAD", "--name-only", "--", "shapebias_utils"):
        facts["edited"] = "the package differs from that commit"
    torch = sys.modules.get("torch")
    facts["device"] = "cuda" if torch is not None and torch.cuda.is_available() else "cpu"
    return facts
