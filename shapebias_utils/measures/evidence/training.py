"""Accuracy on clean and adversarial images (notebook 01): what training on these brings."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

import pandas as pd

from .. import robustness
from ..predictions import collect
from ..schema import OBSERVER

if TYPE_CHECKING:
    from ...datasets import Dataset
    from ...networks import Network

IMAGES = 480
"""Validation images that are attacked, as many of each part (whole objects, fragments)."""

CLEAN, ATTACKED = "accuracy, clean", "accuracy, adversarial"
AT_TRAINING = "accuracy, adversarial at the eps of training"


def trials_of(networks: "Sequence[Network]", data: "Dataset", images: int = IMAGES) -> pd.DataFrame:
    """The trials behind Table 1: all validation images as they are, `images` of them attacked.

    At the dataset's ``robustness.budgets``; 0: all are.
    """
    validation = data.images("validation")
    chosen = robustness.evenly(validation, data.subsets, images)
    attacked = robustness.under_attack(networks, chosen, robustness.budgets(data))
    clean = collect(networks, validation)
    return pd.concat([clean, attacked[attacked["eps"] > 0]], ignore_index=True)


def observations(
    networks: "Sequence[Network]", data: "Dataset", images: int = IMAGES
) -> pd.DataFrame:
    """Whether each image is labelled correctly: a quantity a kind of accuracy and subset.

    "accuracy, clean: whole objects" and the like, one for each of the dataset's `subsets`. Where
    evaluation and training have one eps, both adversarial quantities are the same.
    """
    trials, tables = trials_of(networks, data, images), []
    table = data.images("validation").table
    budgets = robustness.budgets(data)
    kinds = {CLEAN: 0.0, ATTACKED: data.attack.eps, AT_TRAINING: budgets[-1].eps}
    for subset, query in data.subsets.items():
        own = trials[trials["imagename"].isin(table.query(query)["imagename"])]
        for kind, eps in kinds.items():
            tables.append(right(own[own["eps"] == eps], f"{kind}: {subset}", data.n_classes))
    return pd.concat(tables, ignore_index=True)


def right(trials: pd.DataFrame, quantity: str, classes: int) -> pd.DataFrame:
    """An observation table of the accuracy of these trials, chance being one in so many classes."""
    table = trials[OBSERVER].assign(quantity=quantity, unit=trials["imagename"])
    table = table.assign(value=trials["correct"].astype(float), weight=1.0, chance=1 / classes)
    return table[["quantity", *OBSERVER, "unit", "value", "weight", "chance"]]
