"""Images with concepts, written as a folder in Broden's form."""

import hashlib
from collections import defaultdict
from pathlib import Path

import numpy as np
import pandas as pd
from PIL import Image
from tqdm.auto import tqdm

from ..files import atomic_folder
from .concepts import ConceptSet

COLUMNS = ("color", "object", "part", "material", "scene", "texture")
"""Of Broden's index, in its order; other categories stand behind them."""


def export_broden(concepts: ConceptSet, folder: str | Path) -> Path:
    """The folder, which now holds the images and their concepts as Broden holds its own.

    Images and planes are PNG files, and ``read_broden`` gets the same from them, bit for bit.
    Concepts keep their numbers; those that no image has are left out, as in Broden. Of a category
    with several planes, the empty ones of an image come last. All is written or nothing.
    ValueError if the folder holds something already, and where a plane labels concepts of several
    categories.
    """
    folder = Path(folder).expanduser().resolve()
    if folder.exists() and any(folder.iterdir()):
        raise ValueError(f"{folder} is not empty: remove it, or name another")
    with atomic_folder(folder) as partial:
        (partial / "images").mkdir()
        _write(concepts, partial)
    return folder


def _write(concepts: ConceptSet, folder: Path) -> None:
    category_of = np.full(65536, "", object)
    category_of[concepts.concepts["number"]] = concepts.concepts["category"]
    frequency, coverage = np.zeros(65536, int), np.zeros(65536)
    rows = []
    starts = range(0, len(concepts), 64)
    for start in tqdm(starts, desc=f"writing {concepts.name}", unit="batch", leave=False):
        chunk = list(range(start, min(start + 64, len(concepts))))
        images = concepts.images.load(chunk)
        planes, wholes = concepts.labels(chunk)
        names = concepts.images.table["imagename"].iloc[chunk]
        for name, image, own, whole in zip(names, images.numpy(), planes, wholes, strict=True):
            pixels = np.rint(255 * image).astype(np.uint8).transpose(1, 2, 0)
            Image.fromarray(pixels).save(_made(folder / "images" / name), "PNG")
            cells = _planes(folder, name, own, category_of)
            for number in whole[whole > 0]:
                cells[category_of[number]].append(str(number))
            labels = {k: ";".join(v) for k, v in cells.items()}
            size = dict(
                zip(("ih", "iw", "sh", "sw"), (*pixels.shape[:2], *own.shape[1:]), strict=True)
            )
            rows.append({"image": name, "split": _split(name), **size, **labels})
            area = int(np.prod(own.shape[1:]))
            counts = np.bincount(own.ravel(), minlength=65536)
            counts[whole] = area
            counts[0] = 0
            frequency += counts > 0
            coverage += counts / area
    others = [c for c in concepts.concepts["category"].unique() if c not in COLUMNS]
    columns = ["image", "split", "ih", "iw", "sh", "sw", *COLUMNS, *others]
    pd.DataFrame(rows, columns=columns).to_csv(folder / "index.csv", index=False)
    _write_tables(concepts.concepts, frequency, coverage, folder)
    (folder / "README.txt").write_text(
        f"{len(rows)} images ({concepts.name}) with their concepts, in the form of Broden\n"
        "(Bau et al., Network Dissection, CVPR 2017; github.com/CSAILVision/NetDissect)."
        "\n\nindex.csv     an image a row: its labels by category, numbers of whole images or "
        "files under images/\n              whose pixels have the label R + 256 G, 0 for none\n"
        "label.csv     the labels' names\ncategory.csv  their categories\n"
        "c_*.csv       the labels of a category\n"
    )


def _made(path: Path) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    return path


def _split(name: str) -> str:
    """70 % "train", 30 % "val", by a hash of the name."""
    return "train" if int(hashlib.md5(name.encode()).hexdigest()[:8], 16) < 0.7 * 2**32 else "val"


def _planes(
    folder: Path, name: str, planes: np.ndarray, category_of: np.ndarray
) -> dict[str, list[str]]:
    """Category -> the files that its planes have been written to, empty ones left out."""
    cells = defaultdict(list)
    for plane in planes:
        found = set(category_of[np.unique(plane[plane > 0])])
        if len(found) > 1:
            raise ValueError(
                f"a plane of {name} labels {' and '.join(sorted(found))}: in Broden's form each "
                "is of one category"
            )
        for category in found:
            number = f"_{len(cells[category]) + 1}" if cells[category] else ""
            file = str(Path(name).with_suffix("")) + f"_{category}{number}.png"
            pixels = np.stack([plane & 255, plane >> 8, 0 * plane], -1).astype(np.uint8)
            Image.fromarray(pixels).save(_made(folder / "images" / file), "PNG")
            cells[category].append(file)
    return cells


def _write_tables(
    concepts: pd.DataFrame, frequency: np.ndarray, coverage: np.ndarray, folder: Path
) -> None:
    """label.csv, category.csv and a c_<category>.csv each: see :mod:`.broden`."""
    concepts = concepts[frequency[concepts["number"]] > 0]
    numbers = concepts["number"].to_numpy()
    table = concepts.assign(frequency=frequency[numbers], coverage=coverage[numbers])
    counted = table["category"] + "(" + table["frequency"].astype(str) + ")"
    labels = table.assign(category=counted, syns=table["name"])
    labels.to_csv(folder / "label.csv", index=False)
    rows = []
    for category, own in table.groupby("category"):
        own = own.assign(code=range(1, 1 + len(own)))
        own = own[["code", "number", "name", "frequency", "coverage"]]
        own.to_csv(folder / f"c_{category}.csv", index=False)
        first, last = own["number"].min(), own["number"].max()
        rows.append((category, first, last, len(own), own["frequency"].sum()))
    columns = ["name", "first", "last", "count", "frequency"]
    categories = pd.DataFrame(rows, columns=columns).sort_values("first")
    categories.to_csv(folder / "category.csv", index=False)
