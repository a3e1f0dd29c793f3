"""Where saliency lies by each of the four methods, on more images than a notebook can wait for."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

import pandas as pd

from ..networks import get_networks, with_controls, with_regimes
from ..results import store, stored
from . import saliency_scores as scores
from . import transformed
from .evidence.saliency import compared, mask_scores, whole
from .saliency import NOISE, SAMPLES

if TYPE_CHECKING:
    from ..datasets import Dataset

METHODS = {
    "gradient": "loss",
    "smoothgrad": "loss",
    "integrated_gradients": "logit",
    "grad_cam": "logit",
}
"""Method -> what it explains here: the loss as in Zhang & Zhu, the logit as the others' authors."""

QUANTITIES = ("saliency: contour", "saliency: interior", "contour, not inside", "fine detail")
KEPT = tuple(f"kept: {family.name}" for family in transformed.FAMILIES)
CHEAP = ("gradient",)
"""Methods by which the networks of all regimes are scored; others score S, R and the control."""


def study(
    dataset: "Dataset", n: int = 96, seed: int = 0, methods: Sequence[str] = tuple(METHODS)
) -> pd.DataFrame:
    """The effects on mask scores by each method, and on accuracies, of S, R and all that is there.

    Columns `method` ("accuracy" for `KEPT`), `of`, `images` and those of ``statistics.effects``.
    Kept as ``data/results/<dataset>/saliency.csv``; each network's scores are cached, so that it
    goes on where it was stopped. A few minutes of one core for the gradient and the accuracies,
    some twenty for SmoothGrad and Integrated Gradients.
    """
    networks = with_controls(get_networks(dataset.name, seed=seed))
    everyone = with_regimes(networks)
    trials = transformed.on_transformed(everyone, dataset, whole(dataset, n))
    kept = transformed.observed(trials, chance=1 / dataset.n_classes)
    found = [(kept[kept["quantity"].isin(KEPT)], "accuracy", "label")]
    for method in methods:
        chosen = everyone if method in CHEAP else networks
        table = mask_scores(chosen, dataset, n, method=method, of=METHODS[method])
        zones = pd.concat([scores.on_zones(table), scores.fineness(table, dataset.size)])
        found.append((zones[zones["quantity"].isin(QUANTITIES)], method, METHODS[method]))
    effects = [compared(own).assign(method=method, of=of, images=n) for own, method, of in found]
    about = {"weights": {k.name: k.checkpoint_hash()[:16] for k in everyone}}
    table = pd.concat(effects, ignore_index=True)
    store(table, dataset.name, "saliency", about | {"samples": SAMPLES, "noise": NOISE})
    return table


def kept(dataset: str) -> pd.DataFrame:
    """What :func:`study` kept of the dataset's networks; empty where there is nothing."""
    return stored(dataset, "saliency")
