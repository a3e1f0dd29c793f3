"""Accuracy under attack on images that S and R both label correctly as they are (notebook 02)."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

import pandas as pd

from .. import robustness
from .training import AT_TRAINING, ATTACKED, IMAGES, right, trials_of

if TYPE_CHECKING:
    from ...datasets import Dataset
    from ...networks import Network


def kept(trials: pd.DataFrame) -> pd.DataFrame:
    """The trials on images that S and R of that architecture and seed both label correctly clean.

    Of all networks, the control's too; none of an architecture that lacks S or R.
    """
    clean = trials[(trials["eps"] == 0) & trials["training"].isin(["standard", "robust"])]
    keys = ["architecture", "seed", "imagename"]
    wide = clean.assign(correct=clean["correct"].astype(float)).pivot_table(
        index=keys, columns="training", values="correct", aggfunc="min"
    )
    wide = wide.reindex(columns=["standard", "robust"])
    both = wide.index[(wide == 1).all(axis=1)]
    return trials[pd.MultiIndex.from_frame(trials[keys]).isin(both)]


def observations(
    networks: "Sequence[Network]", data: "Dataset", images: int = IMAGES
) -> pd.DataFrame:
    """Whether such an image is labelled correctly under attack, at the budgets of notebook 01.

    The attacked images are those of that notebook.
    """
    trials = kept(trials_of(networks, data, images))
    kinds = {ATTACKED: data.attack.eps, AT_TRAINING: robustness.budgets(data)[-1].eps}
    tables = [
        right(trials[trials["eps"] == eps], f"{kind}: correctly labelled", data.n_classes)
        for kind, eps in kinds.items()
    ]
    return pd.concat(tables, ignore_index=True)
