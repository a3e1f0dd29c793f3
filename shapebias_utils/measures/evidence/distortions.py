"""Accuracy on distorted images and on one cue at a time (notebook 04)."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import pandas as pd

from ...distortions import get_distortion, lacking
from .. import distorted, robustness
from .correctly_labelled import kept
from .training import right

if TYPE_CHECKING:
    from ...datasets import Dataset, ImageSet
    from ...networks import Network

IMAGES = 800
"""Of the validation images that show whole objects, at most, evenly spread."""

PAPERS = ("scramble", "stylized", "black_and_white_untraced", "silhouette", "silhouette_white")
"""The distortions of the paper's Table 3; silhouettes in both polarities."""


def whole_images(data: "Dataset", images: int = IMAGES) -> "ImageSet":
    """So many validation images of the dataset's last subset, evenly spread; 0: all of it.

    These are whole objects where the dataset also has fragments.
    """
    name, query = list(data.subsets.items())[-1]
    whole = data.images("validation").where(query, f"validation_{name.replace(' ', '_')}")
    return robustness.evenly(whole, {}, images)


def levels(data: "Dataset", papers: Sequence[str] = PAPERS) -> dict[str, Sequence[float]]:
    """Distortion -> levels: those of the paper that can be made here, then one cue at a time.

    The latter are the dataset's own renditions, at level 1.
    """
    left_out = lacking(data, papers)
    found = {name: get_distortion(name).levels for name in papers if name not in left_out}
    return found | {name: (1,) for name in data.renditions if name not in found}


def observations(
    networks: "Sequence[Network]",
    data: "Dataset",
    images: int = IMAGES,
    papers: Sequence[str] = PAPERS,
) -> pd.DataFrame:
    """Whether each distorted image is labelled correctly, the mean over levels.

    Two quantities a distortion, under the name that it has in the paper (``distorted.IN_PAPER``):
    "accuracy: stylized" is over all these whole images, "accuracy, correctly labelled: stylized",
    as in the paper, over those that S and R of an architecture and seed both label correctly as
    they are.
    """
    trials = distorted.of_all(networks, data, whole_images(data, images), levels(data, papers))
    return of_trials(trials, data)


def of_trials(trials: pd.DataFrame, data: "Dataset") -> pd.DataFrame:
    """The observation table of trials as from ``distorted.of_all``."""
    both = kept(trials.assign(eps=(trials["distortion"] != "real").astype(float)))
    tables = []
    for kind, part in (("accuracy", trials), ("accuracy, correctly labelled", both)):
        for name, own in part.groupby("distortion", sort=False):
            quantity = f"{kind}: {distorted.IN_PAPER.get(name, name)}"
            table = right(own, quantity, data.n_classes)
            if name in distorted.IN_CATEGORIES:
                table["chance"] = in_categories(data.category_classes, data.n_classes)
            keys = [c for c in table if c not in ("value", "weight")]
            tables.append(table.groupby(keys, sort=False, as_index=False).mean())
    return pd.concat(tables, ignore_index=True)


def in_categories(classes: Mapping[str, Sequence[int]], n: int) -> float:
    """How often a random class of `n` belongs to an image's category, on average over these."""
    return sum(map(len, classes.values())) / len(classes) / n
