"""How the commands print, and read names."""

import os
from collections.abc import Sequence
from pathlib import Path

from ..files import line

__all__ = ["choose", "line", "shown", "table"]


def table(rows: Sequence[Sequence[str]]) -> None:
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    for row in rows:
        print("  ".join(f"{cell:<{w}}" for cell, w in zip(row, widths, strict=True)).rstrip())


def shown(path: Path) -> str:
    """The path as one would type it here."""
    return os.path.relpath(path) if path.is_relative_to(Path.cwd()) else str(path)


def choose(kind: str, name: str, known: Sequence[str]) -> str:
    """The known name that is meant, in whatever case; ValueError lists them."""
    for candidate in known:
        if candidate.lower() == name.lower():
            return candidate
    raise ValueError(f"unknown {kind} {name!r}; choose one of {', '.join(known)}")
