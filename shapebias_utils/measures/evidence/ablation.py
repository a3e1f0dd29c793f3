"""What the claims about single channels (07) rest on: counts, shares and margins by label.

Channels of networks that were trained apart do not correspond, so that each network's are drawn
again by themselves. A quantity is named after the labels that choose its channels: those of the
first labelling without more ado, those of another with its name ("texture channels by
cue_conflict: ...").
"""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import pandas as pd

from ...datasets.cue_conflict import balanced
from ...datasets.cue_conflict import stimuli as read_stimuli
from ..ablation import study
from ..ablation.importance import above_layers, with_labels
from ..schema import OBSERVER
from ..statistics import against_constant, effects
from .dissection import dissected_on, labellings, lacking

if TYPE_CHECKING:
    from ...datasets import Dataset
    from ...networks import Network

VERSION = 1

CATEGORIES = ("texture", "object", "color", "part")
"""Kinds of labels whose channels are compared: the paper's Figure 8 has the first three."""

SCORE, SHARE = "texture over shape score", "texture over shape decisions turned, each as a share"
SHAPE, TEXTURE = (f"{cue} decisions turned above their layers" for cue in ("shape", "texture"))
LEAN = "shape less texture decisions turned, above their layers"
ONE_SIDED = "one-sidedness of margins"

EQUAL = {SCORE: 1.0, SHARE: 1.0, SHAPE: 0.0, TEXTURE: 0.0, LEAN: 0.0}
"""Quantity -> what it is where a channel's label says nothing."""

ALL_TRAININGS = ("standard", "control", "robust")


IMAGES = 480
"""Of each labelling that networks are dissected on, as in notebook 06."""

LABELLINGS = ("broden_like", "cue_conflict")
"""Ways to label channels, the one closest to Broden first: the claims go by it."""


def labelled(
    scores: pd.DataFrame,
    networks: "Sequence[Network]",
    data: "Dataset",
    folder: str = "",
    rules: str = "default",
    n_images: int = IMAGES,
) -> dict[str, pd.DataFrame]:
    """Name of a labelling -> the scores with labels (``importance.with_labels``).

    Of `LABELLINGS`; where the dataset has none of these, or a `folder` is given, of the one there
    is; on `n_images` of its images, all if 0. The networks are dissected as in notebook 06, whose
    results are taken where there are. Where the dataset has no concepts, "no labels": the scores
    of channels of which none has a label.
    """
    if lacking(data, folder):
        return {"no labels": with_labels(scores)}
    sets = labellings(data, folder, n_images)
    sets = {name: sets[name] for name in LABELLINGS if name in sets} or sets
    dissected = {name: dissected_on(networks, own, rules) for name, own in sets.items()}
    return {name: with_labels(scores, table) for name, table in dissected.items()}


def observations(
    networks: "Sequence[Network]",
    data: "Dataset",
    stimuli: str = "",
    per_pair: int = 0,
    folder: str = "",
    rules: str = "default",
    n_images: int = IMAGES,
) -> pd.DataFrame:
    """The quantities of :func:`of_channels` on conflict stimuli: the dataset's, or a folder's.

    Of those networks alone whose scores are kept or measured already (``study.done``): all would
    take hours. Without any, a table without rows. `per_pair` as in ``cue_conflict.balanced``, the
    others as in :func:`labelled`.
    """
    images = balanced(read_stimuli(data, stimuli), per_pair)
    if not (networks := study.done(networks, images)):
        return pd.DataFrame(columns=["quantity", *OBSERVER, "unit", "value", "weight"])
    scores = study.scored(networks, images)
    return of_channels(labelled(scores, networks, data, folder, rules, n_images))


def of_channels(labelled: Mapping[str, pd.DataFrame]) -> pd.DataFrame:
    """An observation table (``measures.statistics``) of channels with labels, by labelling.

    `labelled` as from ``importance.with_labels``. A score ratio has the Texture score as `value`
    and the Shape score as `weight`, so that a network's statistic is the ratio of the means; what
    is above the layers is in shares of the images decided by that cue. One-sidedness is the sum of
    ``|shape - texture|`` over that of ``|shape| + |texture|`` of the margins: 0 where every channel
    serves both cues equally, 1 where each serves one.
    """
    tables = []
    for i, (name, table) in enumerate(labelled.items()):
        by = "" if i == 0 else f" by {name}"
        table = table.assign(unit=table["layer"] + " " + table["unit"].astype(str))
        shape, texture = (above_layers(table, f"{cue}_share") for cue in ("shape", "texture"))
        margins = table["shape_margin"], table["texture_margin"]
        values = {
            SCORE: (table["texture_score"], table["shape_score"]),
            SHARE: (table["texture_share"], table["shape_share"]),
            SHAPE: (shape, 1.0),
            TEXTURE: (texture, 1.0),
            LEAN: (shape - texture, 1.0),
            ONE_SIDED: ((margins[0] - margins[1]).abs(), margins[0].abs() + margins[1].abs()),
        }
        for quantity, (value, weight) in values.items():
            full = table[[*OBSERVER, "unit"]].assign(value=value, weight=weight)
            full = full.dropna(subset=["value", "weight"])
            if i == 0 and quantity in (SCORE, SHARE, ONE_SIDED):
                tables.append(full.assign(quantity=f"all channels: {quantity}"))
            for category in CATEGORIES:
                own = full[table.loc[full.index, "category"] == category]
                tables.append(own.assign(quantity=f"{category} channels{by}: {quantity}"))
    return pd.concat(tables, ignore_index=True)


def compared(observations: pd.DataFrame) -> pd.DataFrame:
    """Effects of :func:`of_channels`: R against S and the control, and each against `EQUAL`."""
    found = [effects(observations, paired=False)]
    if observations.empty:
        return found[0]
    kind = observations["quantity"].str.partition(": ")[2]
    for quantity, constant in EQUAL.items():
        found.append(against_constant(observations[kind == quantity], constant, ALL_TRAININGS))
    return pd.concat(found, ignore_index=True)
