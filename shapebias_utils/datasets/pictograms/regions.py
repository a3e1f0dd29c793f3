"""The exact masks of pictograms: object, parts and clutter, drawn anew from what made the image."""

from functools import lru_cache

import numpy as np
import pandas as pd

from .. import ImageSet
from ..regions import Regions
from .images import SPLITS, pictograms
from .masks import SIZE, SUPERSAMPLE, cover, paint_parts
from .render import Factors, factors
from .shapes import PARTS


def regions(images: ImageSet) -> Regions:
    """The masks of a split's images or of a part of one, in their order.

    A pixel belongs to what covers its centre, to clutter from half covered on. Images are found by
    their names, so that they may be distorted in any way that leaves everything in its place.
    ValueError for an image that no split has.
    """
    return _drawn(tuple(images.table["imagename"]))


@lru_cache(maxsize=8)
def _drawn(names: tuple[str, ...]) -> Regions:
    found = {
        "object": np.zeros((len(names), SIZE, SIZE), bool),
        "clutter": np.zeros((len(names), SIZE, SIZE), bool),
        "parts": np.zeros((len(names), SIZE, SIZE), np.uint8),
    }
    for i, f in enumerate(_factors(names)):
        fine = paint_parts(f.category, f.pose, f.fragment)
        found["parts"][i] = fine[SUPERSAMPLE // 2 :: SUPERSAMPLE, SUPERSAMPLE // 2 :: SUPERSAMPLE]
        found["object"][i] = found["parts"][i] > 0
        covered = [cover(corners)[..., 0] >= 0.5 for corners, _ in f.clutter]
        found["clutter"][i] = np.any(covered or [False], axis=0) & ~found["object"][i]
    return Regions(**found, names=PARTS)


def _factors(names: tuple[str, ...]) -> list[Factors]:
    """What each of the images was drawn from."""
    split = next((s for s in SPLITS if names and names[0].startswith(f"{s}_")), "cue_conflict")
    rows = pd.Index(pictograms(split).table["imagename"]).get_indexer(list(names))
    if (rows < 0).any():
        raise ValueError(f"there is no pictogram {names[int(rows.argmin())]!r} in {split}")
    return [factors(split, int(row)) for row in rows]
