"""What notebook 12 rests on: shape bias and accuracies of every regime, against its controls."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

import pandas as pd

from ...networks import Network, with_regimes
from .. import routes, statistics

if TYPE_CHECKING:
    from ...datasets import Dataset

COMPARED: dict[str, tuple[str, ...]] = {
    "robust": ("standard", "control", "advprop-pgd5", "underfit"),
    "advprop-pgd1": ("standard", "control"),
    "advprop-pgd5": ("advprop-pgd1", "standard", "control"),
    "advprop-1step": ("control",),
    "advprop-5steps": ("advprop-1step", "control"),
    "sin": ("standard",),
    "sin-in": ("control", "sin"),
    "sin-and-in": ("standard",),
    "sin-in-joint": ("control", "sin-and-in"),
    "linf2": ("control",),
    "linf4": ("control",),
    "linf8": ("control",),
    "fgsm4": ("control",),
    "fgsm8": ("control",),
    "spatial": ("control",),
    "noise": ("control",),
    "smooth-filters-weak": ("control",),
    "smooth-filters": ("control",),
    "smooth-gradients-weak": ("control",),
    "smooth-gradients": ("control",),
    "joint": ("control", "robust"),
}
"""Training -> what it is held against. "control" had the same steps as whatever goes on from the
standard weights, "standard" as what begins from scratch."""


looks_at = with_regimes


def observations(networks: Sequence[Network], data: "Dataset") -> pd.DataFrame:
    """``measures.routes.observations`` of the networks and of the regimes whose weights are
    there."""
    return routes.observations(looks_at(networks), data)


def compared(observations: pd.DataFrame) -> pd.DataFrame:
    """The effects of each pair of trainings in `COMPARED`."""
    tables = [
        statistics.effects(observations, (training,), against)
        for training, against in COMPARED.items()
    ]
    return pd.concat([t for t in tables if len(t)] or tables[:1], ignore_index=True)
