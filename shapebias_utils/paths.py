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

    Where none is published, "": it is then recorded at the first download, and an `md5`, if that is
    published, checked. `path` is where the file goes; `note` says whose it is and under which
    licence; `megabytes` is 0 where its size is not known. An archive is unpacked there and removed:
    `unpacks` names the folders that it brings.
    """

    name: str
    url: str
    sha256: str
    path: Path
    megabytes: int
    note: str
    unpacks: tuple[str, ...] = ()
    md5: str = ""

    def size(self) -> str:
        """As a reader sees it: "244 MB", "7.1 GB"."""
        if not self.megabytes:
            return "size not published"
        many = self.megabytes >= 1000
        return f"{self.megabytes / 1000:.1f} GB" if many else f"{self.megabytes} MB"

    def hash(self) -> str:
        """What it is checked by, as a reader sees it."""
        known = f"SHA-256 {self.sha256[:8] or 'recorded at first download'}"
        return f"MD5 {self.md5[:8]}, {known}" if self.md5 else known

    def facts(self) -> str:
        """Size, whose it is and under which licence, and hash."""
        return f"{self.size()}; {self.note}; {self.hash()}"
