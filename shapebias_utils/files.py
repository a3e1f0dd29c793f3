"""Files written whole or not at all, held against other processes, and told apart by their hash."""

import glob
import os
import platform
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from .distributed import barrier, rank
from .paths import ROOT


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
def atomic(path: Path) -> Iterator[Path]:
    """A temporary path beside `path` that takes its place on leaving, or is gone on error.

    What a process that was killed while writing has left there is gone with the next call.
    """
    path = Path(path)
    writable(path.parent)
    _remove_orphans(path)
    # The suffix stays last: numpy and matplotlib choose the format by it.
    temporary = path.with_name(f".{platform.node()}-{os.getpid()}-{path.name}")
    try:
        yield temporary
        os.replace(temporary, path)
    finally:
        temporary.unlink(missing_ok=True)


def _remove_orphans(path: Path) -> None:
    """Remove temporary files for `path` of processes of this machine that no longer run."""
    if os.name != "posix":  # elsewhere signal 0 is no harmless question
        return
    prefix = f".{platform.node()}-"
    for left in path.parent.glob(f"{glob.escape(prefix)}*-{glob.escape(path.name)}"):
        try:
            os.kill(int(left.name.removeprefix(prefix).split("-")[0]), 0)
        except ProcessLookupError:
            left.unlink(missing_ok=True)
        except (ValueError, OSError):
            continue  # not ours to judge


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


@cache
def provenance() -> dict[str, str]:
    """Versions, commit and device under which a result is being computed."""
    facts = {"python": platform.python_version(), "machine": platform.machine()}
    for package in ("torch", "torchvision", "numpy", "pandas", "scipy", "shapebias-utils"):
        try:
            facts[package] = version(package)
        except PackageNotFoundError:
            facts[package] = "not installed"
    git = ["git", "-C", str(ROOT), "describe", "--always", "--dirty"]
    try:
        described = subprocess.run(git, capture_output=True, text=True, check=True)
        facts["commit"] = described.stdout.strip()
    except (OSError, subprocess.CalledProcessError):
        facts["commit"] = "unknown"
    torch = sys.modules.get("torch")
    facts["device"] = "cuda" if torch is not None and torch.cuda.is_available() else "cpu"
    return facts
