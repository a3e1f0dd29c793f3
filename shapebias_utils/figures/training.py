"""Training and its outcome: curves, accuracy against eps, sensitivity to the dataset."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

import matplotlib as mpl
import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from ..networks import TRAINING_COLOURS
from .drawing import curve, nothing, panels, styled, styles_of, whiskers

if TYPE_CHECKING:
    from ..networks import Network


@styled
def training_curves(log: pd.DataFrame, networks: "Sequence[Network]") -> Figure:
    """Accuracy on what each network is trained on, over epochs; one panel an architecture.

    `log` as from ``networks.training_log``: R and the control go on where S ends.
    """
    if log.empty:
        return nothing("These networks come without a training log.")
    styles = styles_of(networks, log["network"].unique())
    architectures = list(dict.fromkeys(log["architecture"]))
    figure, axes = panels(1, len(architectures), (3.1, 2.9), sharey=True)
    for axis, architecture in zip(axes[0], architectures, strict=True):
        own = log[log["architecture"] == architecture]
        for name, rows in own.groupby("network", sort=False):
            axis.plot(rows["epoch"], rows["accuracy"], color=styles[name]["color"], label=name)
        axis.set(title=architecture, xlabel="epoch (R and control go on from S)", ylim=(0, 1.02))
    axes[0, 0].set_ylabel("accuracy on the images trained on")
    lines = {line.get_label(): line for axis in axes[0] for line in axis.get_lines()}
    kinds = {n.training: lines[n.name] for n in networks if n.name in lines}
    figure.legend(kinds.values(), kinds, loc="outside lower center", ncols=len(kinds))
    return figure


@styled
def accuracy_against_eps(table: pd.DataFrame, networks: "Sequence[Network]") -> Figure:
    """Accuracy with its interval against the L2 budget of the attack, one panel an architecture.

    `table` as from ``measures.robustness.accuracy``.
    """
    if table.empty:
        return nothing("No network was attacked.")
    architectures = list(dict.fromkeys(table["architecture"]))
    styles = styles_of(networks, table["network"].unique())
    figure, axes = panels(1, len(architectures), (3.1, 2.9), sharey=True)
    for axis, architecture in zip(axes[0], architectures, strict=True):
        own = table[table["architecture"] == architecture]
        for name, rows in own.groupby("network", sort=False):
            rows = rows.sort_values("eps")
            curve(axis, rows["eps"], rows, "accuracy", styles[name], ms=4, label=name)
        axis.set(title=architecture, xlabel="eps (L2, pixels in [0, 1])", ylim=(0, 1.02))
        axis.legend(loc="upper right")
    axes[0, 0].set_ylabel("accuracy")
    return figure


@styled
def sensitivity(table: pd.DataFrame) -> Figure:
    """Shape bias with its interval against texture contrast, a line for each training eps."""
    if table.empty:
        return nothing("There is no sensitivity study for this dataset.")
    robust = np.array(mpl.colors.to_rgb(TRAINING_COLOURS["robust"]))
    figure, axes = panels(size=(4.6, 3.2))
    for eps, rows in table.sort_values("texture_contrast").groupby("eps"):
        paler = 0.65 * (1 - eps / table["eps"].max()) if eps else 0.0  # the largest eps in full
        colour = tuple(robust + (1 - robust) * paler) if eps else TRAINING_COLOURS["standard"]
        label = f"R, trained at eps {eps:g}" if eps else "S"
        axes[0, 0].errorbar(
            rows["texture_contrast"], rows["shape_bias"], whiskers(rows, "shape_bias"),
            color=colour, marker="o", ms=4, capsize=2, label=label,
        )  # fmt: skip
    axes[0, 0].set(xlabel="texture contrast of the dataset", ylabel="shape bias", ylim=(0, 1))
    axes[0, 0].legend(fontsize=8)
    return figure


ACCURACIES = {"clean": ("-", "o"), "adversarial": ("--", "s"), "fragments": (":", "^")}
"""Column of the study along eps -> line and marker."""


@styled
def eps_curve(table: pd.DataFrame, published: pd.DataFrame) -> Figure:
    """Shape bias (above) and accuracies (below) against the eps of training, a line a seed.

    `table` as from ``studies.eps_curve``, a column an architecture; in the last one the published
    curve of ImageNet's ResNet-50: `eps` and `shape_bias`, the latter in per cent.
    """
    if table.empty:
        return nothing("There is no study along eps for this dataset.")
    groups = list(table.groupby("architecture", sort=False))
    figure, axes = panels(2, len(groups) + 1, (3.0, 2.5), sharey=True)
    for (above, below), (architecture, own) in zip(axes.T, groups, strict=False):
        for _, rows in own.sort_values("eps").groupby("seed"):
            style = {"color": TRAINING_COLOURS["robust"], "marker": "o"}
            curve(above, rows["eps"], rows, "shape_bias", style, ms=4)
            for name, (line, marker) in ACCURACIES.items():
                label = name if rows["seed"].iloc[0] == own["seed"].min() else None
                below.plot(rows["eps"], rows[name], color="#555555", ls=line, marker=marker, ms=3.5,
                           lw=1, label=label)  # fmt: skip
        above.set(title=architecture, ylim=(0, 1.02))
        below.set_xlabel("eps of training (L2)")
        below.legend(fontsize=7)
    above, below = axes[:, -1]
    above.plot(published["eps"], published["shape_bias"] / 100, color="#333333", marker="D", ms=4)
    above.set_title("ResNet-50 on ImageNet, published", fontsize=9)
    above.set_xlabel("eps of training (L2)")
    below.set_axis_off()
    axes[0, 0].set_ylabel("shape bias")
    axes[1, 0].set_ylabel("accuracy")
    return figure
