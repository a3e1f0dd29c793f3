"""Is R more than a blur? Shape bias at equal loss of accuracy (Wolff et al. 2026, and against it).

Blurring the test images alone raises the shape bias of a standard network, and costs it accuracy,
as adversarial training does. What counts is therefore the shape bias of a blurred S where it is no
more accurate than R.
"""

import numpy as np
import pandas as pd
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from ...datasets import ImageSet
from ...networks import Network
from ..predictions import collect_each
from ..robustness import accuracy
from ..schema import OBSERVER, with_cues
from ..shape_bias import shape_bias
from .images import changed

VERSION = 1

SIGMAS = (0.0, 0.5, 1.0, 1.25, 1.5, 2.0)
"""Standard deviations of the Gaussian, in pixels: finest where S's accuracy on pictograms falls."""

FACTORS = (1.0, 1.5, 2.0)
"""How many times smaller images are made, and then as large as before again."""

COMPARED = ("standard", "control")
"""The trainings that are blurred until they are no more accurate than R."""

CUT = 4
"""Standard deviations at which the Gaussian ends, as scipy's does."""


class Blur(nn.Module):
    """A Gaussian of `sigma` pixels over images ``(N, C, H, W)``, mirrored at their edges.

    Each value is a sum of products in one fixed order: the same, bit for bit, in batches of any
    size and layout. A layer before a network, therefore, is the same as blurred images.
    """

    def __init__(self, sigma: float) -> None:
        super().__init__()
        reach = int(CUT * sigma + 0.5)
        x = np.arange(-reach, reach + 1)
        weights = np.exp(-0.5 * (x / sigma) ** 2) if sigma else np.ones(1)
        self.sigma, self.reach = sigma, reach
        self.register_buffer("weights", torch.tensor(weights / weights.sum(), dtype=torch.float32))

    def forward(self, images: Tensor) -> Tensor:
        x = images
        for dimension in (2, 3) if self.reach else ():
            size, margin = x.shape[dimension], [0, 0, 0, 0]
            margin[2 * (3 - dimension) : 2 * (3 - dimension) + 2] = [self.reach] * 2
            padded, x = F.pad(x, margin, mode="reflect"), torch.zeros_like(x)
            for k, weight in enumerate(self.weights):
                x = x + padded.narrow(dimension, k, size) * weight
        # In the layout of the input, in which the network behind rounds as it would without.
        return torch.empty_like(images).copy_(x)

    def extra_repr(self) -> str:
        return f"sigma={self.sigma}"


class Shrunk(nn.Module):
    """Images `factor` times smaller (antialiased) and as large as before again, both bilinear."""

    def __init__(self, factor: float) -> None:
        super().__init__()
        self.factor = factor

    def forward(self, images: Tensor) -> Tensor:
        size = tuple(images.shape[-2:])
        small = tuple(max(1, round(n / self.factor)) for n in size)
        how = {"mode": "bilinear", "antialias": True, "align_corners": False}
        return F.interpolate(F.interpolate(images, small, **how), size, **how)


KINDS = {"blur": Blur, "resizing": Shrunk}
"""Kind of low pass -> the layer, given its level."""

LEVELS = {"blur": SIGMAS, "resizing": FACTORS}
"""Kind of low pass -> its levels, the first of which changes nothing."""


def low_passed(images: ImageSet, kind: str, level: float) -> ImageSet:
    """The same images under that low pass; as they are at its first level."""
    if level == LEVELS[kind][0]:
        return images
    return changed(images, f"{kind}-{level:g}", KINDS[kind](level), VERSION)


def along(
    networks: list[Network], images: ImageSet, kind: str = "blur", levels: tuple = ()
) -> pd.DataFrame:
    """The trials of all networks at each level (all of the kind if none are given).

    Columns of ``predictions.collect``, and `kind` and `level`. Each image is blurred once.
    """
    sets = {(kind, level): low_passed(images, kind, level) for level in levels or LEVELS[kind]}
    return collect_each(networks, sets, ["kind", "level"])


def curve(conflict: pd.DataFrame, photographs: pd.DataFrame) -> pd.DataFrame:
    """Shape bias and accuracy at each level of each kind: a row an observer, kind and level.

    Both are trials of :func:`along`. Columns `shape_bias`, `low`, `high`, `n`, `shape`, `texture`,
    `coverage` (the share of `n` decided by either cue), `accuracy`, `accuracy_low`,
    `accuracy_high` and `images`.
    """
    keys = ["kind", "level"]
    bias = shape_bias(conflict, by=keys)
    bias["coverage"] = (bias["shape"] + bias["texture"]) / bias["n"]
    right = accuracy(photographs, by=keys).rename(
        columns={"low": "accuracy_low", "high": "accuracy_high", "n": "images"}
    )
    return bias.merge(right, on=[*OBSERVER, *keys], validate="one_to_one")


def level_of_equal_accuracy(accuracies: pd.DataFrame, target: float) -> float:
    """The first level at which accuracy is no higher than the target; nan if it never is.

    `accuracies`: `level` and `accuracy` of one network and kind. A blurred network is then no more
    accurate than the one it is compared with: what blur does to its bias is not made smaller.
    """
    enough = accuracies.sort_values("level").query("accuracy <= @target")
    return float(enough["level"].iloc[0]) if len(enough) else np.nan


def equal_accuracy(photographs: pd.DataFrame) -> pd.DataFrame:
    """At which level S, and the control, are no more accurate than their architecture's R as it is.

    A row an observer and kind of which there are several levels: `level`, the `accuracy` there, and
    that of R, `target`. Photographs as from :func:`along`; architectures without R are left out.
    """
    table = accuracy(photographs, by=["kind", "level"])
    rows = []
    robust = table[table["training"] == "robust"]
    for (architecture, kind, seed), own in robust.groupby(
        ["architecture", "kind", "seed"], sort=False
    ):
        target = own.sort_values("level")["accuracy"].iloc[0]
        others = table[
            (table["architecture"] == architecture)
            & (table["kind"] == kind)
            & (table["seed"] == seed)
            & table["training"].isin(COMPARED)
        ]
        for key, other in others.groupby(OBSERVER, sort=False):
            if len(other) < 2:
                continue
            level = level_of_equal_accuracy(other, target)
            at = other.loc[other["level"] == level, "accuracy"]
            rows.append([*key, kind, level, at.iloc[0] if len(at) else np.nan, target])
    return pd.DataFrame(rows, columns=[*OBSERVER, "kind", "level", "accuracy", "target"])


def at_levels(conflict: pd.DataFrame, wanted: pd.DataFrame, kind: str) -> pd.DataFrame:
    """The trials on conflict images of R as they are, and of the others at their level of a kind.

    `wanted` has a row an observer with its `level`, as from :func:`equal_accuracy`.
    """
    own = conflict[conflict["kind"] == kind]
    first = own[(own["training"] == "robust") & (own["level"] == LEVELS[kind][0])]
    others = own.merge(wanted[[*OBSERVER, "level"]], on=[*OBSERVER, "level"])
    return with_cues(pd.concat([first, others], ignore_index=True))
