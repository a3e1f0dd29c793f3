"""Scores of channels: by what they detect, one against the other, and what zeroing many does."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

import matplotlib as mpl
import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from .drawing import nothing, panels, styled, styles_of, whiskers

if TYPE_CHECKING:
    from ..networks import Network

CUE_MARKERS = {"shape": "o", "texture": "^"}  # as in the paper's Figure 8
CATEGORY_COLOURS = {
    "object": "#1b9e77", "part": "#66a61e", "scene": "#7570b3", "material": "#a6761d",
    "texture": "#e7298a", "color": "#e6ab02", "none": "#9a9a9a",
}  # fmt: skip
QUANTITIES = {
    "score": "score: images decided otherwise",
    "share": "share of the images decided by that cue",
}


@styled
def scores_by_category(table: pd.DataFrame, networks: "Sequence[Network]") -> Figure:
    """Figure 8: mean Shape (●) and Texture (▲) score by category of channels, S beside R.

    A row of panels an architecture: the scores, and as shares of the images decided by that cue.
    `table` as from ``importance.by_category``: bars are 95 % intervals, grey
    boxes what random channels give.
    """
    if table.empty:
        return nothing("There are no scores of channels.")
    styles = styles_of(networks, table["network"].unique())
    architectures = list(dict.fromkeys(table["architecture"]))
    figure, axes = panels(len(architectures), 2, (4.8, 3.1))
    for row, architecture in zip(axes, architectures, strict=True):
        own = table[table["architecture"] == architecture]
        sizes = own.groupby("category")["n"].max().drop("all").sort_values(ascending=False)
        place = {c: i for i, c in enumerate(["all", *sizes.index])}
        names = list(dict.fromkeys(own["network"]))
        for axis, (quantity, label) in zip(row, QUANTITIES.items(), strict=True):
            for i, name in enumerate(names):
                for j, (cue, marker) in enumerate(CUE_MARKERS.items()):
                    mine = own.query("network == @name and cue == @cue")
                    mine = mine[mine["quantity"] == quantity]
                    step = 0.8 / (2 * len(names))
                    x = mine["category"].map(place) - 0.4 + step * (2 * i + j + 0.5)
                    axis.bar(
                        x, mine["random_high"] - mine["random_low"], 0.8 * step,
                        mine["random_low"], color="#dddddd", zorder=1,
                    )  # fmt: skip
                    axis.errorbar(
                        x, mine["value"], whiskers(mine, "value"), ls="", marker=marker, ms=5,
                        capsize=2, lw=1, color=styles[name]["color"], zorder=3,
                        label=f"{name}, {cue}",
                    )  # fmt: skip
            axis.set_xticks(list(place.values()), list(place))
            axis.grid(axis="x", visible=False)
            axis.set(title=architecture, ylabel=label, ylim=(0, None))
            if quantity == "share":
                axis.yaxis.set_major_formatter(mpl.ticker.PercentFormatter(1, decimals=0))
        row[-1].legend(fontsize=7, loc="upper right")
    return figure


@styled
def score_scatter(table: pd.DataFrame, networks: Sequence[str]) -> Figure:
    """Texture against Shape score, a point a channel in the colour of its category.

    The solid line is where both are equal; the dashed one where a channel takes the same share of
    the images decided by shape and of those decided by texture. Axes are linear up to 10 and
    logarithmic from there. `table` as from ``importance.with_labels``.
    """
    if table.empty or not len(networks):
        return nothing("There are no scores of channels.")
    import seaborn as sns

    categories = [c for c in CATEGORY_COLOURS if c in set(table["category"])]
    figure, axes = panels(1, len(networks), (3.6, 3.5), sharex=True, sharey=True)
    end = 1.05 * max(1, table[["shape_score", "texture_score"]].to_numpy().max())
    for axis, name in zip(axes[0], networks, strict=True):
        own = table[table["network"] == name]
        sns.scatterplot(
            own, x="shape_score", y="texture_score", hue="category", hue_order=categories,
            palette=CATEGORY_COLOURS, s=16, alpha=0.6, lw=0, zorder=3, ax=axis,
            legend=axis is axes[0, -1],
        )  # fmt: skip
        line = np.linspace(0, end, 200)
        axis.plot(line, line, color="#888888", lw=0.8)
        if len(own) and own["shape"].iloc[0]:
            slope = own["texture"].iloc[0] / own["shape"].iloc[0]
            axis.plot(line, slope * line, color="#888888", lw=0.8, ls="--")
        scale = {"value": "symlog", "linthresh": 10, "subs": [2, 5]}
        axis.set_xscale(**scale)
        axis.set_yscale(**scale)
        axis.set(title=name, xlabel="Shape score", xlim=(-0.5, end), ylim=(-0.5, end))
        axis.set_ylabel("Texture score" if axis is axes[0, 0] else "")
        ticks = [t for t in (0, 5, 10, 20, 50, 100, 200, 500, 1000) if t < end]
        axis.set_xticks(ticks, [str(t) for t in ticks])
        axis.set_yticks(ticks, [str(t) for t in ticks])
        axis.minorticks_off()
    axes[0, -1].legend(fontsize=7, title="detects", title_fontsize=7)
    return figure


@styled
def removal_curves(table: pd.DataFrame, networks: "Sequence[Network]") -> Figure:
    """Shape bias against the number of channels zeroed together, a panel a network.

    `table` as from ``cumulative_ablation`` with a column `network`. Random sets are grey,
    each a line.
    """
    if table.empty:
        return nothing("There are no networks with scores of channels.")
    names = list(dict.fromkeys(table["network"]))
    styles = styles_of(networks, names)
    figure, axes = panels(1, len(names), (3.9, 3.2), sharex=True, sharey=True)
    for axis, name in zip(axes[0], names, strict=True):
        own = table[table["network"] == name]
        for order, mine in own.groupby("order", sort=False):
            mine = mine.sort_values("channels")
            if order in CUE_MARKERS:
                axis.errorbar(
                    mine["channels"], mine["shape_bias"], whiskers(mine, "shape_bias"),
                    lw=1.4, marker=CUE_MARKERS[order], ms=5, capsize=2, color=styles[name]["color"],
                    ls="-" if order == "texture" else ":", zorder=3,
                    label=f"highest {order.title()} scores",
                )  # fmt: skip
            else:
                label = "random, as many a layer" if order.endswith(" 1") else None
                axis.plot(mine["channels"], mine["shape_bias"], color="#9a9a9a", lw=1, label=label)
        axis.set(title=name, xlabel="channels zeroed together", ylim=(0, 1))
        axis.set_xscale("symlog", linthresh=1)
        ticks = sorted(own["channels"].unique())
        axis.set_xticks(ticks, [str(t) for t in ticks])
        axis.minorticks_off()
        axis.legend(fontsize=7)
    axes[0, 0].set_ylabel("shape bias")
    return figure
