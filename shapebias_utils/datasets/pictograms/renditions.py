"""The same pictograms painted otherwise."""

import hashlib
from collections.abc import Callable
from dataclasses import replace

import pandas as pd

from .. import ImageSet
from .cues import as_they_are
from .images import SPLITS, pictograms
from .render import RenderSettings


def rendition(
    images: ImageSet,
    level: float = 1,
    *,
    paint: str,
    settings: Callable[[RenderSettings, float], RenderSettings] = as_they_are,
    inverted: bool = False,
) -> ImageSet:
    """The same pictograms in the same order, in another paint or under other settings.

    `images` is a split or a part of one, undistorted; `settings(default, level)` are those it is
    rendered with; `inverted` turns light into dark. The table stays that of `images`. ValueError
    for images that are no pictograms as :func:`pictograms` renders them by default.
    """
    names = images.table["imagename"]
    first = names.iloc[0] if len(names) else ""
    split = next((s for s in SPLITS if first.startswith(f"{s}_")), "cue_conflict")
    natural = pictograms(split)
    rows = pd.Index(natural.table["imagename"]).get_indexer(names)
    some = range(min(8, len(rows)))
    if (rows < 0).any() or not images.load(some).equal(natural.load(rows[some])):
        raise ValueError(
            f"{images.name} is no set of natural pictograms, as images(split) of the dataset and "
            f"its subsets are: only these can be rendered otherwise"
        )
    found = pictograms(split, settings(RenderSettings(), level), paint).subset(
        rows, f"{images.name}_{paint}"
    )
    if not inverted:
        return found
    digest = hashlib.sha256(f"{found.digest} inverted".encode()).hexdigest()
    return replace(found, load=lambda r: 1 - found.load(r), digest=digest, augment=None)
