"""The same pictograms painted otherwise."""

import hashlib
from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pandas as pd

from .. import ImageSet
from . import arrangements
from .cues import as_they_are
from .images import SPLITS, pictograms
from .render import RenderSettings, factors, render


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


def rearranged(images: ImageSet, *, paint: str, flat: bool = False) -> ImageSet:
    """The same pictograms in a paint of ``render.PAINTS``, drawn as they are loaded.

    Unlike :func:`rendition`, which draws a split once and for all: a few need no more.
    `flat`: without texture.

    Of "arranged_as_another" the images are named by both categories, the arrangement's first
    (``cat7-dog7.png``: the parts of a dog, arranged as those of a cat), and `category` is the
    arrangement's. ValueError for images that are not of a split of pictograms.
    """
    import torch

    names = images.table["imagename"]
    first = names.iloc[0] if len(names) else ""
    split = next((s for s in SPLITS if first.startswith(f"{s}_")), "cue_conflict")
    numbers = [int(i) for i in _numbers(pictograms(split), names)]
    settings = RenderSettings()
    painted = replace(settings, texture_contrast=0.0) if flat else settings

    def load(rows):
        drawn = [render(factors(split, numbers[row], settings), painted, paint) for row in rows]
        return torch.from_numpy(np.stack(drawn)).float() / 255

    table = images.table
    if paint == arrangements.arranged_as_another.__name__:
        table = table.copy()
        own = table["category"].tolist()
        table["category"] = [arrangements.another(factors(split, i, settings)) for i in numbers]
        table["imagename"] = [
            f"{a}{i + 1}-{b}{i + 1}.png"
            for a, b, i in zip(table["category"], own, numbers, strict=True)
        ]
        table["label"] = -1
    title = paint + "_flat" * flat
    digest = hashlib.sha256(f"{images.digest} {title} {arrangements.VERSION}".encode()).hexdigest()
    return replace(
        images, name=f"{images.name}-{title}", table=table, load=load, digest=digest, augment=None
    )


def _numbers(natural: ImageSet, names: pd.Series) -> np.ndarray:
    """The numbers of the images of these names in their split."""
    numbers = pd.Index(natural.table["imagename"]).get_indexer(names)
    if (numbers < 0).any():
        lost = names.iloc[int((numbers < 0).argmax())]
        raise ValueError(f"{lost} is no pictogram: only these can be drawn with moved pieces")
    return numbers
