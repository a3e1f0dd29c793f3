"""Which cue is relied on: one at a time is suppressed (Burgert et al. 2025).

A conflict asks which of two cues wins; a cue may be relied on and lose. Here nothing conflicts: the
share of a network's accuracy that is lost without a cue is how much it relies on it.
"""

from collections.abc import Callable

import pandas as pd

from ...datasets import Dataset, ImageSet
from ...datasets.patches import SQUARES
from ...distortions import distorted, get_distortion
from ...networks import Network
from ..predictions import collect_each
from ..schema import OBSERVER

ANY_IMAGE = {
    "local shape": ("shuffle_within", 8),
    "global shape": ("scramble", 4),
    "texture": ("smooth", 2),
    "colour": ("greyscale", 1),
}
"""Cue -> distortion of any image, and its level, that suppresses it."""

PIXELS = {"local shape": 8 * SQUARES, "global shape": 4}
"""Cue -> what divides the sides of images whose patches can be shuffled so."""

INTACT = "nothing"

SMOOTHED = "texture, smoothed"
"""The cue "texture" taken by smoothing, where it is exchanged as well."""


def suppressions(dataset: Dataset) -> dict[str, Callable[[ImageSet], ImageSet]]:
    """Cue -> the images without it, `INTACT` first.

    By distortions of the image, which cannot take one cue alone; where the dataset draws its
    images, shape is shuffled before they are painted, so that texture and colour stay, and texture
    is exchanged for one that no category owns, and smoothed besides (`SMOOTHED`).
    """

    def by(name: str, level: float) -> Callable[[ImageSet], ImageSet]:
        return lambda images: distorted(dataset, images, name, level)

    found = {INTACT: lambda images: images}
    cues = [c for c in ANY_IMAGE if not dataset.size % PIXELS.get(c, 1)]
    found |= {cue: by(*ANY_IMAGE[cue]) for cue in cues}
    found |= {cue: dataset.rearranged[cue] for cue in ANY_IMAGE if cue in dataset.rearranged}
    if "retextured" in dataset.renditions:
        found[SMOOTHED] = found["texture"]
        found["texture"] = by("retextured", get_distortion("retextured").levels[0])
    return found


def without_each(networks: list[Network], dataset: Dataset, images: ImageSet) -> pd.DataFrame:
    """The trials of all networks on the images without each cue, in the column `without`."""
    sets = {cue: suppress(images) for cue, suppress in suppressions(dataset).items()}
    return collect_each(networks, sets, ["without"])


def lost(trials: pd.DataFrame) -> pd.DataFrame:
    """What is lost without each cue: a row an observer, cue and image.

    `value` is 1 where the image was right and is wrong without the cue (-1 the other way round),
    `weight` whether it was right: the ratio of their sums is the share of accuracy lost.
    """
    wide = trials.assign(correct=trials["correct"].astype(int)).pivot(
        index=[*OBSERVER, "imagename"], columns="without", values="correct"
    )
    intact = wide.pop(INTACT)
    tidy = (-wide.sub(intact, axis=0)).melt(ignore_index=False, value_name="value")
    weight = intact.rename("weight").reset_index()
    return tidy.reset_index().merge(weight, on=[*OBSERVER, "imagename"])
