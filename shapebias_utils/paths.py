"""Where things are: the repository root and the four folders that the package reads and writes.

Each can be moved with an environment variable of the same name behind ``SHAPEBIAS_``
(``SHAPEBIAS_DATA=/big/disk/data``), read when the package is imported.
"""

import os
from dataclasses import dataclass
from pathlib import Path


def _folder(name: str, default: Path) -> Path:
    return Path(os.environ.get(f"SHAPEBIAS_{name}", default)).expanduser().resolve()


ROOT = _folder("ROOT", Path(__file__).parents[1])
DATA = _folder("DATA", ROOT / "data")
RAW = _folder("RAW", DATA / "raw")
CHECKPOINTS = _folder("CHECKPOINTS", DATA / "checkpoints")
RESULTS = _folder("RESULTS", DATA / "results")
FIGURES = _folder("FIGURES", ROOT / "figures")
NOTEBOOKS = ROOT / "notebooks"
BUILD = _folder("BUILD", ROOT / "build")


@dataclass(frozen=True)
class Download:
    """A file that may be downloaded: `sha256` is its hash or the first digits that are published.

    `path` is where it goes; `note` says whose it is and under which licence.
    """

    name: str
    url: str
    sha256: str
    path: Path
    megabytes: int
    note: str
