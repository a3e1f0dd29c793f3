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


TRAINED_ON = {"clean": ("standard", "control"), "adversarial": ("robust",)}
"""Kind of image -> the trainings whose own accuracy in the log is on such images."""


@styled
def training_curves(log: pd.DataFrame, networks: "Sequence[Network]") -> Figure:
    """Accuracy over epochs: a row of panels a kind of image, a column an architecture.

    `log` as from ``networks.training_log``: R and the control go on where S ends. Solid is the
    accuracy on the images trained on, which are adversarial for R and clean for the others; dotted
    that on validation images, where the log has it (its columns `clean` and `adversarial`).
    """
    if log.empty:
        return nothing("These networks come without a training log.")
    styles = styles_of(networks, log["network"].unique())
    architectures = list(dict.fromkeys(log["architecture"]))
    log = log.sort_values(["network", "epoch"], kind="stable")
    figure, axes = panels(2, len(architectures), (3.1, 2.2), sharex="col", sharey=True)
    lines = {}
    for line, (kind, trained) in zip(axes, TRAINED_ON.items(), strict=True):
        for axis, architecture in zip(line, architectures, strict=True):
            own = log[log["architecture"] == architecture]
            for name, rows in own.groupby("network", sort=False):
                training, style = rows["training"].iloc[0], {"color": styles[name]["color"]}
                known = training in trained or (kind == "clean" and training != "robust")
                if known:
                    axis.plot(rows["epoch"], rows["accuracy"], label=name, **style)
                    lines.setdefault(f"{training}, training images", axis.get_lines()[-1])
                if kind in rows and rows[kind].notna().any():
                    axis.plot(rows["epoch"], rows[kind], ls=":", label=f"_{name}", **style)
                    lines.setdefault(f"{training}, validation images", axis.get_lines()[-1])
            axis.set(ylim=(0, 1.02))
        line[0].set_ylabel(f"accuracy,\n{kind} images")
    for axis, architecture in zip(axes[0], architectures, strict=True):
        axis.set_title(architecture)
    for axis in axes[-1]:
        axis.set_xlabel("epoch (R and control go on from S)")
    figure.legend(lines.values(), lines, loc="outside lower center", ncols=3)
    return figure


@styled
def cue_norms(table: pd.DataFrame | None, budgets: Sequence[float]) -> Figure:
    """The L2 norm of each cue, median and quartiles, of whole objects and of fragments.

    `table` as from ``Dataset.cue_norms``; the lines are the `budgets` of the attacks (L2).
    """
    if table is None or table.empty:
        return nothing("How large each cue is cannot be told of this dataset's images.")
    cues = list(dict.fromkeys(table["cue"]))
    figure, axes = panels(size=(5.6, 0.42 * len(cues) + 1.3))
    axis = axes[0, 0]
    for shift, (whole, own) in zip((0.14, -0.14), table.groupby("whole", sort=True), strict=False):
        at = [-cues.index(cue) + (-shift) for cue in own["cue"]]
        axis.errorbar(
            own["median"], at, xerr=whiskers(own, "median"), ls="", capsize=2,
            marker="o" if whole else "^", ms=6, color="#222222" if whole else "#8c6bb1",
            label="whole object" if whole else "fragment",
        )  # fmt: skip
    for eps in budgets:
        axis.axvline(eps, color=TRAINING_COLOURS["robust"], ls="--", lw=1)
        axis.text(eps, 0.62, f"eps {eps:g} ", rotation=90, ha="right", va="top", fontsize=7.5,
                  color=TRAINING_COLOURS["robust"])  # fmt: skip
    names = [cue.replace("_", " and ").replace("figure and ground", "figure on ground")
             for cue in cues]  # fmt: skip
    axis.set_yticks([-i for i in range(len(cues))], names)
    axis.set(xlabel="L2 norm of the cue (all pixels in [0, 1])", ylim=(0.65 - len(cues), 0.65))
    axis.set_xlim(left=0)
    axis.legend(loc="lower right")
    return figure


OUTCOME_COLOURS = {
    "S only": TRAINING_COLOURS["standard"], "both": "#5b5b5b", "R only": TRAINING_COLOURS["robust"],
    "neither": "#e3e3e3",
}  # fmt: skip


@styled
def agreement(table: pd.DataFrame) -> Figure:
    """Who labels the images correctly: stacked bars, a panel a subset, a bar an architecture.

    `table` as from ``measures.robustness.agreement``.
    """
    if table.empty:
        return nothing("There is no S/R pair among these networks.")
    subsets = table.groupby("subset", sort=False)
    figure, axes = panels(1, len(subsets), (2.7, 2.9), sharey=True)
    for axis, (subset, own) in zip(axes[0], subsets, strict=True):
        shares = own.pivot(index="architecture", columns="outcome", values="share")
        shares = shares.loc[own["architecture"].unique()]
        base = np.zeros(len(shares))
        for outcome, colour in OUTCOME_COLOURS.items():
            share = shares[outcome].to_numpy()
            axis.bar(shares.index, share, 0.7, base, color=colour, label=outcome)
            for x, (low, height) in enumerate(zip(base, share, strict=True)):
                if height >= 0.06:  # what is thinner has no room for a number
                    ink = "black" if outcome == "neither" else "white"
                    axis.text(x, low + height / 2, f"{100 * height:.0f}", ha="center", va="center",
                              fontsize=8, color=ink)  # fmt: skip
            base = base + share
        axis.set(title=f"{subset} (n = {own['n'].iloc[0]:,})", ylim=(0, 1))
        axis.grid(axis="x", visible=False)
    axes[0, 0].set_ylabel("share of the images, per cent in the bars")
    figure.legend(*axes[0, 0].get_legend_handles_labels(), loc="outside lower center", ncols=4)
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
def eps_curve(
    table: pd.DataFrame, published: pd.DataFrame, scales: tuple[float, float] | None = None
) -> Figure:
    """Shape bias (above) and accuracies (below) against the eps of training, a line a seed.

    `table` as from ``studies.eps_curve``, a column an architecture; in the last one the published
    curve of ImageNet's ResNet-50: `eps` and `shape_bias`, the latter in per cent. `scales`: the
    typical distance between images of two classes here and there
    (``measures.robustness.class_distance``); with them all curves share a panel, eps over distance.
    """
    if table.empty:
        return nothing("There is no study along eps for this dataset.")
    groups = list(table.groupby("architecture", sort=False))
    figure, axes = panels(2, len(groups) + 1, (3.0, 2.6), sharey=True)
    robust = {"color": TRAINING_COLOURS["robust"], "marker": "o"}
    for (above, below), (architecture, own) in zip(axes.T, groups, strict=False):
        for _, rows in own.sort_values("eps").groupby("seed"):
            curve(above, rows["eps"], rows, "shape_bias", robust, ms=4)
            for name, (line, marker) in ACCURACIES.items():
                label = name if rows["seed"].iloc[0] == own["seed"].min() else None
                below.plot(rows["eps"], rows[name], color="#555555", ls=line, marker=marker, ms=3.5,
                           lw=1, label=label)  # fmt: skip
        above.set(title=architecture, ylim=(0, 1.02))
        below.set_xlabel("eps of training (L2)")
        below.legend(fontsize=7)
    above, below = axes[:, -1]
    theirs = {"color": "#333333", "marker": "D", "ms": 4}
    above.plot(published["eps"], published["shape_bias"] / 100, **theirs)
    above.set_title("ResNet-50 on ImageNet, published", fontsize=9)
    above.set_xlabel("eps of training (L2, 224 pixels)")
    if scales is None or not np.isfinite(scales).all():
        below.set_axis_off()
    else:
        for (architecture, own), line in zip(groups, ("-", "--", ":"), strict=False):
            mean = own.groupby("eps")["shape_bias"].mean()
            below.plot(mean.index / scales[0], mean, **robust, ls=line, ms=4, label=architecture)
        below.plot(published["eps"] / scales[1], published["shape_bias"] / 100, **theirs,
                   label="ResNet-50, ImageNet")  # fmt: skip
        below.set_title("shape bias, on one scale", fontsize=9)
        below.set_xlabel("eps / distance between classes")
        below.legend(fontsize=7, loc="lower right")
    axes[0, 0].set_ylabel("shape bias")
    axes[1, 0].set_ylabel("accuracy")
    return figure
