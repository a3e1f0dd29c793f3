"""Broden (Bau et al. 2017), the broadly and densely labelled images of network dissection.

A folder holds ``index.csv`` (an image a row, its labels a column a category), ``label.csv``,
``category.csv``, a ``c_<category>.csv`` each, and ``images/``. Sets of your own in this form are
read as well.
"""

import hashlib
import os
from collections.abc import Iterator, Sequence
from functools import partial
from pathlib import Path
from stat import S_ISREG
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from ..files import TABLE, check_bytes, line, locked
from ..paths import RAW
from . import ImageSet
from .concepts import ConceptSet
from .image_files import in_threads, load_images
from .labels_on_disk import concept_set, keep, kept
from .raster import check_size, contents_of, open_image, unreadable

if TYPE_CHECKING:
    from torch import Tensor

VERSION = 1
"""Of the decoding: raised when the same folder would give other labels."""

ARCHIVE = "http://netdissect.csail.mit.edu/data/broden1_224.zip"
_HOW = f"copy the set whole (Broden itself: {ARCHIVE}, 1 GB)"


def broden(folder: str | Path = "") -> ConceptSet:
    """What :func:`read_broden` finds in the folder, by default in ``data/raw/broden1_224``."""
    return read_broden(folder or RAW / "broden1_224")


def read_broden(folder: str | Path, categories: Sequence[str] = ()) -> ConceptSet:
    """The images of a folder in Broden's form with their concepts, of all or some `categories`.

    Images keep their size and labels theirs (half of it, in Broden). A cell of the index holds
    ``;``-separated tokens: a number labels the whole image, a path is a plane of numbers R + 256 G
    for each pixel; label 0 is dropped. A category takes as many planes as any image has, in the
    index's order of columns. A concept counts in the category in which its coverage is largest;
    of equals, and where it has none, in the last of ``category.csv``. An image without a label in
    the categories stays.

    Labels are decoded once and kept under ``data/raw/broden_labels``, until a file of the folder
    changes. FileNotFoundError names a file that is missing; ValueError an image whose labels are
    of another size or unknown, a plane that cannot be read, or what is wrong in a table.
    """
    found = _examined(folder, categories)
    folder, index, concepts, chosen, shape, planes, wholes, images, labels = found
    key = {
        "version": VERSION,
        "categories": chosen,
        "tables": _tables_hash(folder),
        "planes": hashlib.sha256(repr(labels).encode()).hexdigest(),
    }
    place = hashlib.sha256(f"{folder} {chosen}".encode()).hexdigest()[:12]
    cache = RAW / "broden_labels" / f"{folder.name}-{place}"
    with locked(cache):
        if (found := kept(cache, key)) is None:
            keep(cache, key, _decoded(folder, planes, wholes, shape, concepts), {})
            found = kept(cache, key)
    return concept_set(_image_set(folder, index, images), concepts, found)


def check_broden(folder: str | Path) -> None:
    """Raise what :func:`read_broden` raises before it decodes anything, which may take minutes."""
    _examined(folder, ())


def _examined(folder: str | Path, categories: Sequence[str]) -> tuple:
    """The folder, its tables, the labels that they name, and the files that are there."""
    folder = Path(folder).expanduser().resolve()
    if not folder.is_dir():
        raise FileNotFoundError(
            f"no Broden folder {folder}: unpack {ARCHIVE} (1 GB) there, or give its path"
        )
    index, concepts, chosen = _tables(folder, categories)
    cells = [[_tokens(cell) for cell in index[category]] for category in chosen]
    # For each category a list a row, of numbers and paths.
    shape = _shape(folder, index)
    planes = [[[t for t in cell if not _is_number(t)] for cell in column] for column in cells]
    wholes = [sorted(_number(t) for cell in row for t in cell if _is_number(t))
              for row in zip(*cells, strict=True)]  # fmt: skip
    most = sum(max(map(len, column), default=0) for column in planes)
    check_size(folder / "index.csv", (shape[1], shape[0] * most), f" with the {most} planes")
    images = _files(folder, index["image"])
    labels = _files(folder, [t for column in planes for cell in column for t in cell])
    return folder, index, concepts, chosen, shape, planes, wholes, images, labels


def _read(path: Path, columns: Sequence[str], numbers: Sequence[str]) -> pd.DataFrame:
    """The table's columns as text, those in `numbers` as numbers."""
    if not path.is_file():
        raise FileNotFoundError(f"{path.parent} is incomplete: it has no {path.name}; {_HOW}")
    check_bytes(path, TABLE, "a table")
    try:
        table = pd.read_csv(path, dtype=str, keep_default_na=False)
    except ValueError as error:  # of the parser, and of the text's encoding
        raise ValueError(f"{path} is not a CSV table: {line(error)}") from None
    missing = [c for c in columns if c not in table]
    if missing:
        raise ValueError(f"{path} lacks the column {missing[0]}: Broden has {', '.join(columns)}")
    for column in numbers:
        values = pd.to_numeric(table[column], errors="coerce")
        if values.isna().any():
            row = int(values.isna().to_numpy().argmax())
            raise ValueError(
                f"{path}, line {row + 2}: {column} is {table[column].iloc[row]!r}, not a number: "
                "correct it"
            )
        table[column] = values
    return table


def _tables(folder: Path, categories: Sequence[str]) -> tuple[pd.DataFrame, pd.DataFrame, list]:
    """The index, the concepts (`number`, `name`, `category`), and the categories, as columns go."""
    known = _read(folder / "category.csv", ["name"], [])["name"].tolist()
    elsewhere = [c for c in known if Path(c).name != c or "\0" in c]
    if elsewhere:
        raise ValueError(
            f"{folder / 'category.csv'} names {elsewhere[0]!r}, which is no category: rename it"
        )
    strange = [c for c in categories if c not in known]
    if strange:
        raise ValueError(f"{folder} has no category {strange[0]!r}; choose from {', '.join(known)}")
    index = _read(folder / "index.csv", ["image", "sh", "sw", *known], ["sh", "sw"])
    if index.empty:
        raise ValueError(f"{folder / 'index.csv'} lists no images: {_HOW}")
    twice = index["image"][index["image"].duplicated()]
    if len(twice):
        raise ValueError(f"{folder / 'index.csv'} lists {twice.iloc[0]} twice: remove one row")
    labels = _read(folder / "label.csv", ["number", "name"], ["number"])
    numbers = labels["number"]
    wrong = (numbers < 0) | (numbers > 65535) | (numbers % 1 != 0) | numbers.duplicated()
    if wrong.any():
        raise ValueError(
            f"{folder / 'label.csv'} has the number {numbers[wrong].iloc[0]}: each is to stand "
            "once, and is a whole one up to 65535"
        )
    chosen = [c for c in known if c in categories or not categories]
    coverage = {}
    for category in known:
        listed = _read(folder / f"c_{category}.csv", ["number", "coverage"], ["number", "coverage"])
        coverage[category] = dict(zip(listed["number"], listed["coverage"], strict=True))
    rows = []
    for number, name in sorted(zip(numbers.astype(int), labels["name"], strict=True)):
        mine = any(number in coverage[c] for c in chosen)
        if number and (mine or not any(number in listed for listed in coverage.values())):
            best = max((coverage[c].get(number, 0), i) for i, c in enumerate(chosen))
            rows.append((number, name, chosen[best[1]]))
    concepts = pd.DataFrame(rows, columns=["number", "name", "category"])
    return index, concepts, [c for c in index if c in chosen]


def _tables_hash(folder: Path) -> str:
    digest = hashlib.sha256()
    for path in sorted(folder.glob("*.csv")):
        digest.update(path.name.encode() + path.read_bytes())
    return digest.hexdigest()


def _tokens(cell: str) -> list[str]:
    """Without empty ones and without label 0, which stands where a rare label has been removed."""
    tokens = (token.strip() for token in cell.split(";"))
    return [t for t in tokens if t and not (_is_number(t) and _number(t) == 0)]


def _is_number(token: str) -> bool:
    return token.isascii() and token.isdigit()


def _number(token: str) -> int:
    """All that has more digits than these is no label anyway."""
    return int(token.lstrip("0")[:9] or "0")


def _shape(folder: Path, index: pd.DataFrame) -> tuple[int, int]:
    sizes = index[["sh", "sw"]]
    wrong = ~((sizes >= 1) & (sizes <= 65535) & (sizes % 1 == 0)).all(axis=1).to_numpy()
    if wrong.any():
        raise ValueError(
            f"{folder / 'index.csv'}, line {int(wrong.argmax()) + 2}: sh and sw are to be the "
            "height and width of its labels in pixels"
        )
    sizes = sizes.astype(int)
    shape = tuple(sizes.iloc[0].tolist())
    other = (sizes != list(shape)).any(axis=1).to_numpy()
    if other.any():
        row = int(other.argmax())
        raise ValueError(
            f"{folder / 'index.csv'} gives the labels of {index['image'][row]} the size "
            f"{sizes['sw'][row]}x{sizes['sh'][row]}, those of {index['image'][0]} "
            f"{shape[1]}x{shape[0]}: all must be of one size"
        )
    return shape


def _files(folder: Path, names: Sequence[str]) -> list[tuple[str, int, int]]:
    """Name, size and time of change of each file.

    FileNotFoundError says which are missing, ValueError which would lie elsewhere.
    """
    found, missing = [], []
    for name in names:
        if not name or not name.isprintable() or name[0] == "/" or ".." in name.split("/"):
            raise ValueError(
                f"{folder / 'index.csv'} names {name!r}, which is no file within "
                f"{folder / 'images'}: correct or remove it"
            )
        try:
            facts = os.stat(f"{folder}/images/{name}")
            if not S_ISREG(facts.st_mode):
                raise unreadable(folder / "images" / name, OSError("it is no regular file"))
            found.append((name, facts.st_size, facts.st_mtime_ns))
        except OSError:
            missing.append(name)
    if missing:
        raise FileNotFoundError(
            f"{folder} is incomplete: it has no images/{missing[0]} ({len(missing)} of "
            f"{len(found) + len(missing)} files are missing); {_HOW}"
        )
    return found


def _image_set(folder: Path, index: pd.DataFrame, files: list[tuple[str, int, int]]) -> ImageSet:
    """As with ImageNet, the digest is of names and file sizes."""
    digest = hashlib.sha256("".join(f"{n} {size}\n" for n, size, _ in files).encode())
    facts = {"imagename": index["image"], "category": "", "label": -1}
    table = pd.DataFrame(facts | ({"split": index["split"]} if "split" in index else {}))

    def load(rows: Sequence[int]) -> "Tensor":
        paths = [folder / "images" / index["image"].iloc[i] for i in rows]
        return load_images(paths, upright=False)

    return ImageSet(folder.name, table, load, digest.hexdigest())


def _decoded(
    folder: Path, planes: list[list[list[str]]], wholes: list[list[int]],
    shape: tuple[int, int], concepts: pd.DataFrame,
) -> Iterator[tuple[np.ndarray, list[int]]]:  # fmt: skip
    """The planes ``(P, h, w)`` and whole-image labels of each image, decoded by several threads."""
    from tqdm.auto import tqdm

    known = np.zeros(65536, bool)
    known[[0, *concepts["number"]]] = True
    slots = [max((len(cell) for cell in column), default=0) for column in planes]
    bounds = np.cumsum([0, *slots])

    def decode(row: int) -> tuple[np.ndarray, list[int]]:
        found = np.zeros((bounds[-1], *shape), np.uint16)
        for start, column in zip(bounds, planes, strict=False):
            for k, name in enumerate(column[row]):
                found[start + k] = _plane(folder / "images" / name, shape, known)
        strange = [number for number in wholes[row] if number > 65535 or not known[number]]
        if strange:
            raise ValueError(
                f"{folder / 'index.csv'}, line {row + 2}: label {strange[0]} is {_NEW}"
            )
        return found, wholes[row]

    bar = tqdm(total=len(wholes), desc=f"labels of {folder.name}", unit="image", leave=False)
    with bar:
        for start in range(0, len(wholes), 64):
            rows = range(start, min(start + 64, len(wholes)))
            yield from in_threads([partial(decode, row) for row in rows])
            bar.update(len(rows))


_NEW = "not known to label.csv and the tables of the categories, c_*.csv: correct it"


def _plane(path: Path, shape: tuple[int, int], known: np.ndarray) -> np.ndarray:
    """Numbers, uint16 ``(h, w)``, from a PNG file."""
    image = open_image(path, contents_of(path))
    pixels = np.asarray(image).astype(np.uint16)
    if image.mode != "RGB" or pixels[..., 2].any():
        raise ValueError(f"{path} is no label plane: it is to be RGB, number R + 256 G, B 0")
    if pixels.shape[:2] != shape:
        size = "x".join(map(str, pixels.shape[1::-1]))
        raise ValueError(f"{path} is {size}, in index.csv it is {shape[1]}x{shape[0]}")
    numbers = pixels[..., 0] + 256 * pixels[..., 1]
    if not known[numbers].all():
        raise ValueError(f"{path}: label {numbers[~known[numbers]][0]} is {_NEW}")
    return numbers
