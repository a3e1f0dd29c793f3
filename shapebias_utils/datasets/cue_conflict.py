"""Cue-conflict stimuli (Geirhos et al. 2019): the shape of one category, the texture of another.

The published images lie in `stimuli/style-transfer-preprocessed-512` of
github.com/rgeirhos/texture-vs-shape, named by their two cues: ``cat/cat4-dog2.png`` has the shape
of a cat and the texture of a dog; the 80 of 1,280 whose cues agree (``cat/cat4-cat1.png``) are no
conflict. Stimuli of your own in this form are read as well.
"""

import hashlib
import re
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import pandas as pd

from ..categories import CATEGORIES
from . import Dataset, ImageSet
from .image_files import SUFFIXES, load_images
from .raster import contents_of, open_image

if TYPE_CHECKING:
    from torch import Tensor

_NAME = re.compile(r"([a-z]+)\d+-([a-z]+)\d+(?:-\d+)?\.[a-z]+", re.IGNORECASE)
_FORM = "<shape>/<shape><i>-<texture><j>.png, such as cat/cat4-dog2.png"
_RELEASED = "style-transfer-preprocessed-512"


def read_stimuli(folder: str | Path, name: str = "cue_conflict") -> ImageSet:
    """The stimuli in a folder, ``<shape>/<shape><i>-<texture><j>.png``, at their own size.

    The table has `imagename`, `category` (the shape), `label` (-1: they are of no ImageNet class)
    and `texture_category`, sorted by name. The digest is of file names and bytes. The folder may
    also be a copy of the release, or its folder `stimuli`. Files that are no images by their
    suffix are passed over. ValueError if the folder is missing or holds no images, if an image
    cannot be read or is of another size than the first, if its name does not parse or names
    something that is none of the 16 categories, or if it lies in another shape's folder.
    """
    folder = _images_folder(Path(folder).expanduser())
    paths = sorted(p for p in folder.glob("*/*") if _is_image(p))
    if not paths:
        loose = next((p for p in sorted(folder.glob("*")) if _is_image(p)), None)
        found = f"{loose.name} lies in the folder itself" if loose else "it holds none"
        raise ValueError(f"no cue-conflict images in {folder} ({found}): expected are {_FORM}")
    rows = [(path.name, *_cues(path)) for path in paths]
    table = pd.DataFrame(rows, columns=["imagename", "category", "texture_category"])
    table.insert(2, "label", -1)
    digest, first = hashlib.sha256(), None
    for path in paths:
        contents = contents_of(path)
        size = open_image(path, contents, decode=False).size
        first = first or size
        if size != first:
            raise ValueError(
                f"{path} is {'x'.join(map(str, size))}, {paths[0].name} is "
                f"{'x'.join(map(str, first))}: make all stimuli of one size"
            )
        digest.update(f"{path.name} {len(contents)}\n".encode() + contents)

    def load(rows: Sequence[int]) -> "Tensor":
        return load_images([paths[i] for i in rows])

    return ImageSet(name, table, load, digest.hexdigest())


def stimuli(dataset: Dataset, folder: str | Path = "") -> ImageSet:
    """The cue-conflict images of the folder, if one is given, else those of the dataset.

    Where they are larger than the dataset's images they are made as small, and of them those kept
    whose cues its networks know.
    """
    if not str(folder):
        return dataset.images("cue_conflict")
    found = read_stimuli(folder).evenly(dataset.most)
    if max(found.load([0]).shape[-2:]) <= dataset.size:
        return found
    from .decoded import known_stimuli

    known = [category for category, classes in dataset.category_classes.items() if classes]
    return known_stimuli(found, known, dataset.size, dataset.name)


def balanced(images: ImageSet, per_pair: int) -> ImageSet:
    """The first so many stimuli of each pair of conflicting categories, in their order; 0: all."""
    table = images.table
    number = table.groupby(["category", "texture_category"]).cumcount()
    wanted = table["category"] != table["texture_category"]
    if per_pair:
        wanted &= number < per_pair
    name = f"{images.name}_{per_pair or 'all'}_per_pair"
    return images.subset(wanted.to_numpy().nonzero()[0], name)


def _images_folder(folder: Path) -> Path:
    """The folder itself, or where the images are in a copy of the release."""
    if not folder.is_dir():
        raise ValueError(
            f"no folder {folder} with cue-conflict images: give the path of one that holds {_FORM}"
        )
    inside = (folder / _RELEASED, folder / "stimuli" / _RELEASED)
    return next((f for f in inside if f.is_dir()), folder)


def _is_image(path: Path) -> bool:
    """By its name: one that leads nowhere, or to no file, is told when it is read."""
    return path.suffix.lower() in SUFFIXES and not path.name.startswith(".")


def _cues(path: Path) -> tuple[str, str]:
    """(shape, texture) as the name says."""
    parsed = _NAME.fullmatch(path.name)
    if not parsed:
        raise ValueError(f"{path} does not name its two cues: rename it to {_FORM}")
    for cue in parsed.groups():
        if cue not in CATEGORIES:
            raise ValueError(
                f"{path} names {cue!r}, which is none of the 16 categories "
                f"({', '.join(CATEGORIES)}): rename or remove it"
            )
    shape, texture = parsed.groups()
    if path.parent.name != shape:
        raise ValueError(
            f"{path} has the shape {shape!r} by its name and {path.parent.name!r} by its folder: "
            "move or rename it"
        )
    return shape, texture
