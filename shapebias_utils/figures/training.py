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
