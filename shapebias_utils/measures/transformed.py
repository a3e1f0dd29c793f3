"""Accuracy where texture, shape or a band of frequencies is taken from images (Zhang & Zhu 2019).

Of all images, and of those that the network labels correctly as they are. That paper's code
averages the latter over batches; here it is a ratio of sums, over each network's own images.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from ..datasets import Dataset, ImageSet
from ..distortions import distorted, get_distortion, lacking
from ..networks import Network
from .predictions import collect_each
from .schema import OBSERVER
from .statistics import levels


@dataclass(frozen=True)
class Family:
    """A way to transform images: the distortion, and what it takes from them."""

    name: str
    distortion: str
    takes: str


FAMILIES = (
    Family("stylized", "stylized", "texture"),
    Family("saturated", "saturation", "texture"),
    Family("scrambled", "scramble", "shape"),
    Family("low frequencies", "low_frequencies", "fine detail"),
    Family("high frequencies", "high_frequencies", "coarse form"),
)
"""The transformations of the paper, and bands of frequencies."""

ALONE = ("flat", "retextured", "silhouette_low", "texture_blob", "texture_field")
"""Renditions that leave one cue alone: the shape first, then the texture."""

CLEAN = "as they are"


def levels_of(distortion: str, size: int) -> tuple[float, ...]:
    """The levels that are measured on images of `size` pixels, the mildest first.

    Without saturation's p = 2, which changes nothing, and radii beyond the highest frequency. Of
    renditions the dataset's own contrast.
    """
    known = get_distortion(distortion).levels
    if distortion in ALONE:
        return (1,)
    if distortion == "saturation":
        return tuple(p for p in known if p != 2)
    if distortion.endswith("_frequencies"):
        return tuple(r for r in known if r < size / 2)
    return known


def on_transformed(networks: Sequence[Network], data: Dataset, images: ImageSet) -> pd.DataFrame:
    """The cached trials of all networks on the images as they are and in every family, level by
    level, and with one cue alone where the dataset can draw that.

    Columns of ``predictions.collect``, and `family`, `level`. What needs files that are not there
    (``distortions.lacking``) is left out.
    """
    wanted = {f.name: f.distortion for f in FAMILIES}
    wanted |= {name: name for name in ALONE if name in data.renditions}
    missing = lacking(data, wanted.values())
    sets = {(CLEAN, 1.0): images}
    for family, distortion in wanted.items():
        for level in levels_of(distortion, data.size) if distortion not in missing else ():
            sets[family, float(level)] = distorted(data, images, distortion, level)
    return collect_each(networks, sets, ["family", "level"])


def judged(family: pd.Series, level: pd.Series) -> pd.Series:
    """Whether a level is among those that a family's verdict is about.

    All, but of saturation only p above 2: below it greys images and takes no texture.
    """
    return (family != "saturated") | (level > 2)


def observed(trials: pd.DataFrame, by_level: bool = False, chance: float = np.nan) -> pd.DataFrame:
    """An observation table (``measures.statistics``) of the trials of :func:`on_transformed`.

    "accuracy: stylized" of all images, "kept: stylized" of those that the network labels correctly
    as they are. The mean over the levels that are judged; `by_level` each level on its own, with
    `family` and `level` beside a quantity like "kept: saturated 8".
    """
    keys = [*OBSERVER, "imagename"]
    clean = trials.loc[trials["family"] == CLEAN, [*keys, "correct"]]
    table = trials.merge(clean.rename(columns={"correct": "clean"}), on=keys)
    table = table[by_level | judged(table["family"], table["level"])]
    by = ["family", "level"] if by_level else ["family"]
    scores = table.groupby([*keys, *by], sort=False)[["correct", "clean"]].mean().reset_index()
    names = scores["family"]
    if by_level:
        names = names + scores["level"].map(" {:g}".format)
    own = scores[[*OBSERVER, *by]].assign(unit=scores["imagename"], chance=chance)
    all_images = own.assign(quantity="accuracy: " + names, value=scores["correct"], weight=1.0)
    kept = own.assign(
        quantity="kept: " + names, value=scores["correct"] * scores["clean"], weight=scores["clean"]
    )
    columns = ["quantity", *OBSERVER, "unit", "value", "weight", "chance", *by * by_level]
    return pd.concat([all_images, kept[names != CLEAN]], ignore_index=True)[columns].astype(
        {"value": float, "weight": float}
    )


def curves(trials: pd.DataFrame, draws: int = 2000) -> pd.DataFrame:
    """Accuracy at each level: a row a kind of network, `measure`, `family` and `level`.

    `measure` is "accuracy" (of all images) or "kept" (of those labelled correctly as they are);
    the other columns are those of ``statistics.levels``.
    """
    observations = observed(trials, by_level=True)
    known = observations.drop_duplicates("quantity").set_index("quantity")
    table = levels(observations, draws)
    about = known.loc[table["quantity"], ["family", "level"]].set_axis(table.index)
    return pd.concat([table.assign(measure=table["quantity"].str.split(":").str[0]), about], axis=1)


def described(families: Iterable[Family] = FAMILIES) -> pd.DataFrame:
    """What each family takes from an image, and whose recipe it is: a row a family."""
    rows = [(f.name, f.takes, get_distortion(f.distortion).reference) for f in families]
    return pd.DataFrame(rows, columns=["images", "take away", "recipe"]).set_index("images")
