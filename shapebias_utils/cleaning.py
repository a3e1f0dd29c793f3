"""Caches, and how they are cleared away."""

import os
import subprocess
from contextlib import suppress
from pathlib import Path

from .distortions.external import DISTORTED
from .files import being_written, remove_lock
from .paths import BUILD, FIGURES, RAW, RESULTS, ROOT

PICTOGRAMS, LABELS = RAW / "pictograms", RAW / "broden_labels"
DECODED = RAW / "decoded"


def _caches(what: str) -> list[Path]:
    """The folders that hold nothing but caches of a kind (and, for figures, committed files)."""
    if what == "results":  # tables directly in a dataset's folder are part of the repository
        return [p for p in RESULTS.glob("*/*") if p.is_dir()]
    images = [PICTOGRAMS, DECODED, DISTORTED, LABELS]
    folders = {"figures": [FIGURES], "images": images, "build": [BUILD]}
    if what not in folders:
        raise ValueError(f"cannot clean {what!r}; choose results, {', '.join(folders)}")
    return folders[what]


def clean(what: str) -> tuple[int, int]:
    """Remove caches: "results", "figures", "images" or "build"; (files removed, files kept).

    Kept are committed files; there are neither these nor checkpoints among results, images
    and build. Kept are also the locks that a running process holds and the temporary files that
    it writes, so that it goes on undisturbed; what else is removed under it, it computes anew.
    ValueError for figures outside a git checkout, where no file tells whether it was committed.
    """
    removed = kept = 0
    for folder in _caches(what):
        committed = _committed(folder)
        if committed is None and what == "figures":
            raise ValueError(
                f"{ROOT} is no git checkout, so nothing tells which figures belong to it"
            )
        for where, _, files in os.walk(folder, topdown=False):
            for path in (Path(where) / name for name in files):
                if path in (committed or ()) or not _remove(path):
                    kept += 1
                else:
                    removed += 1
            if Path(where) != folder:  # in which a run may be about to take a lock
                with suppress(OSError):  # not empty
                    os.rmdir(where)
    return removed, kept


def _remove(path: Path) -> bool:
    """Whether the file is gone now; no lock or temporary file of a running process goes."""
    if path.suffix == ".lock":
        return remove_lock(path)
    if being_written(path):
        return False
    path.unlink(missing_ok=True)
    return True


def _committed(folder: Path) -> set[Path] | None:
    """The files of the folder that git tracks, None where git does not tell."""
    if not folder.is_relative_to(ROOT):
        return set()
    git = ["git", "-C", str(ROOT), "ls-files", "-z", "--", str(folder)]
    try:
        listed = subprocess.run(git, capture_output=True, text=True, check=True).stdout
    except (OSError, subprocess.CalledProcessError):
        return None
    return {ROOT / name for name in listed.split("\0") if name}
