"""The concepts of Pictogram-16: object, part, texture and colour of each pixel, scene of the image.

They are known by construction; as the images, they are drawn once by all cores and kept under
``data/raw/pictograms``.
"""

import sys
from collections.abc import Iterator
from functools import lru_cache, partial
from pathlib import Path

import numpy as np
import pandas as pd

from ...files import locked
from ...paths import RAW
from ..concepts import ConceptSet
from ..labels_on_disk import concept_set, keep, kept
from .annotate import CONCEPTS, annotate
from .images import on_all_cores, pictograms, source_hash
from .render import SIZE, factors

PLANES = ("color", "object", "part", "texture")
"""Kinds of the planes, in their order; scene labels whole images."""


def concept_table() -> pd.DataFrame:
    """All 90 concepts: `number` (1 to 90), `name`, `category`."""
    rows = [(name, category) for category, names in CONCEPTS.items() for name in names]
    table = pd.DataFrame(rows, columns=["name", "category"])
    table.insert(0, "number", np.arange(1, 1 + len(table)))
    return table


def concepts(folder: str | Path = "") -> ConceptSet:
    """The cue-conflict images with their concepts, or those of a `folder` in Broden's form.

    In the other splits each kind of object wears one texture, so that what detects the one
    detects the other.
    """
    if str(folder):
        from ..broden import read_broden

        return read_broden(folder)
    return labelled("cue_conflict")


@lru_cache(maxsize=4)
def labelled(split: str = "validation") -> ConceptSet:
    """The images of a split with their concepts, in planes ``(N, 4, 64, 64)`` as in `PLANES`.

    A pixel has an object, a part and a texture where the object covers its centre, and a colour
    everywhere. Drawn on first use: 1,600 images take some 10 s on two cores.
    """
    images, concepts = pictograms(split), concept_table()
    source = source_hash(sys.modules[__name__], sys.modules[annotate.__module__])
    key = {"images": images.digest, "source": source}
    folder = RAW / "pictograms" / f"{split}-concepts-{images.digest[:12]}"
    with locked(folder):
        if (labels := kept(folder, key)) is None:
            keep(folder, key, _annotated(split, len(images)), {})
            labels = kept(folder, key)
    return concept_set(images, concepts, labels)


def _annotated(split: str, count: int) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """Planes and whole-image labels of each image, from one process a core."""
    work, size = partial(annotations, split), (len(PLANES), SIZE, SIZE)
    for numbers in on_all_cores(work, count, f"annotating {split}"):
        for image in numbers:
            yield image[:-1].reshape(size), image[-1:]


def annotations(split: str, rows: range) -> np.ndarray:
    """A row an image, uint16: the planes' numbers, pixel after pixel, and the scene's."""
    first = concept_table().groupby("category")["number"].min()
    found = np.empty((len(rows), len(PLANES) * SIZE * SIZE + 1), np.uint16)
    for own, index in zip(found, rows, strict=True):
        maps = annotate(factors(split, index))
        numbers = {k: np.where(m > 0, m + (first[k] - 1), 0) for k, m in maps.items()}
        own[:-1] = np.stack([numbers[kind] for kind in PLANES]).ravel()
        own[-1] = numbers["scene"][0, 0]
    return found
