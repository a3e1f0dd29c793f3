"""Decisions on images with conflicting cues: by category, and what for what."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

import matplotlib as mpl
import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from ..categories import CATEGORIES
from ..networks import TRAINING_COLOURS
from .drawing import curve, nothing, panels, styled, styles_of

if TYPE_CHECKING:
    from ..networks import Network

LINES = {"AlexNet": "-", "GoogLeNet": "--", "ResNet": ":"}
"""How the lines of architectures differ where networks of several share a panel, and a colour."""


@styled
def shape_bias_by_category(
    table: pd.DataFrame, overall: pd.DataFrame, networks: "Sequence[Network]"
) -> Figure:
    """The plot of model-vs-human: a row a category, a marker an observer, a line its pooled bias.

    `table` has a row for each observer and `category`, `overall` one for each observer (both from
    ``measures.shape_bias.shape_bias``). The categories are sorted by the mean shape bias of the
    humans, or of all observers where there is no human, the most shape-biased on top.
    """
    if table.empty or overall.empty:
        return nothing("There are no decisions on images with conflicting cues.")
    human = table[table["training"] == "human"]
    order = (human if len(human) else table).groupby("category")["shape_bias"].mean()
    order = order.reindex(dict.fromkeys([*order.index, *table["category"]])).sort_values(
        na_position="first", kind="stable"
    )
    rows = {category: i for i, category in enumerate(order.index)}
    styles = styles_of(networks, overall["network"])
    figure, axes = panels(size=(6.4, 0.24 * len(rows) + 2.4))
    axis = axes[0, 0]
    handles = {}
    for row in overall.itertuples():
        style, own = styles[row.network], table[table["network"] == row.network]
        line = LINES.get(row.architecture, "-")
        axis.axvspan(1 - row.high, 1 - row.low, color=style["color"], alpha=0.10, lw=0, zorder=1)
        axis.axvline(1 - row.shape_bias, color=style["color"], ls=line, lw=1.4, zorder=2)
        axis.plot(1 - own["shape_bias"], own["category"].map(rows), ls="", ms=7, mec="white",
                  mew=0.6, zorder=3, clip_on=False, label=row.network, **style)  # fmt: skip
        label = "humans" if row.training == "human" else row.network
        handles[label] = mpl.lines.Line2D([], [], ls=line, mec="white", ms=7, **style)
    axis.set(xlim=(0, 1), ylim=(-0.7, len(rows) - 0.3), xlabel='fraction of "texture" decisions')
    axis.set_yticks(list(rows.values()), list(rows))
    axis.grid(axis="x", visible=False)
    axis.grid(axis="y", ls=":", color="#bbbbbb")
    top = axis.secondary_xaxis("top", functions=(lambda x: 1 - x, lambda x: 1 - x))
    top.set_xlabel('fraction of "shape" decisions')
    many = len(handles) > 4  # then in columns of three, as architectures come
    figure.legend(
        handles.values(), handles, loc="outside lower center", handlelength=3,
        ncols=-(-len(handles) // 3) if many else len(handles),
    )  # fmt: skip
    return figure


@styled
def confusion(table: pd.DataFrame, networks: Sequence[str]) -> Figure:
    """Share of each response among the images of a cue: a row of panels a cue, a column a network.

    `table` as from ``measures.shape_bias.confusion``; over each panel the share decided by the cue.
    """
    if table.empty or not len(networks):
        return nothing("There are no decisions on images with conflicting cues.")
    import seaborn as sns

    figure, axes = panels(2, len(networks), (3.0, 2.75), sharex=True, sharey=True)
    for line, cue in zip(axes, ("shape", "texture"), strict=True):
        for axis, name in zip(line, networks, strict=True):
            own = table[(table["network"] == name) & (table["cue"] == cue)]
            grid = own.pivot(index="category", columns="response", values="share")
            grid = grid.reindex(index=CATEGORIES, columns=CATEGORIES).fillna(0)
            sns.heatmap(grid, vmin=0, vmax=1, cmap="Greys", cbar=False, square=True, ax=axis,
                        xticklabels=True, yticklabels=True)  # fmt: skip
            axis.set_title(f"{name}: {np.diag(grid).mean():.0%} by {cue}", fontsize=9)
            axis.set(xlabel="decision", ylabel=f"{cue} of the image")
            axis.tick_params(labelsize=7, length=0)
            axis.label_outer()
    picture = axes[0, 0].collections[0]
    figure.colorbar(picture, ax=axes, label="share of the row's images", shrink=0.6)
    return figure


@styled
def pair_leads(table: pd.DataFrame, networks: "Sequence[Network]") -> Figure:
    """Which cue wins for each pair: a panel a network, rows shapes, columns textures.

    `table` as from ``measures.shape_bias.by_pair``; orange where texture wins, blue where shape
    does. The diagonal is no conflict.
    """
    import seaborn

    shown = [n for n in networks if n.name in set(table["network"])]
    if not shown:
        return nothing("There are no decisions on images with conflicting cues.")
    rows = {n.architecture: [m for m in shown if m.architecture == n.architecture] for n in shown}
    most = max(map(len, rows.values()))
    figure, axes = panels(len(rows), most, (3.1, 2.75), sharex=True, sharey=True)
    ends = (TRAINING_COLOURS["standard"], "#f5f5f5", TRAINING_COLOURS["robust"])
    colours = mpl.colors.LinearSegmentedColormap.from_list("texture to shape", ends)
    for line, own in zip(axes, rows.values(), strict=True):
        for axis in line[len(own) :]:
            axis.set_axis_off()
        for axis, network in zip(line, own, strict=False):
            leads = table[table["network"] == network.name]
            grid = leads.pivot(index="shape", columns="texture", values="lead")
            grid = grid.reindex(index=CATEGORIES, columns=CATEGORIES)
            seaborn.heatmap(grid, ax=axis, cmap=colours, vmin=-1, vmax=1, cbar=False,
                            xticklabels=True, yticklabels=True)  # fmt: skip
            axis.tick_params(labelsize=6, length=0)
            axis.grid(visible=False)
            axis.set_title(network.name, color=network.colour)
            axis.set(xlabel="", ylabel="")
        line[0].set_ylabel("shape")
    for axis in axes[-1]:
        axis.set_xlabel("texture")
    scale = mpl.cm.ScalarMappable(mpl.colors.Normalize(-1, 1), colours)
    bar = figure.colorbar(scale, ax=axes, shrink=0.5, ticks=(-1, 0, 1))
    bar.set_ticklabels(["all by texture", "even", "all by shape"])
    return figure


@styled
def psychometric(
    table: pd.DataFrame, balance: pd.DataFrame, networks: "Sequence[Network]"
) -> Figure:
    """Shape bias along the contrast of each cue: a row an architecture, a column an axis.

    `table` and `balance` as from ``measures.psychometric``. A thick bar at one half is the interval
    of the point where both cues weigh the same.
    """
    if table.empty:
        return nothing("This dataset cannot draw its cues at other contrasts.")
    styles = styles_of(networks, table["network"].unique())
    architectures, kinds = (list(dict.fromkeys(table[c])) for c in ("architecture", "axis"))
    figure, axes = panels(len(architectures), len(kinds), (3.9, 2.5), sharex="col", sharey=True)
    for line, architecture in zip(axes, architectures, strict=True):
        for axis, kind in zip(line, kinds, strict=True):
            here = (table["architecture"] == architecture) & (table["axis"] == kind)
            for name, rows in table[here].groupby("network", sort=False):
                curve(axis, rows["level"], rows, "shape_bias", styles[name], ms=4, label=name)
                found = balance[(balance["network"] == name) & (balance["axis"] == kind)]
                found = found[np.isfinite(found[["low", "high"]]).all(axis=1)]
                axis.hlines(np.full(len(found), 0.5), found["low"], found["high"],
                            color=styles[name]["color"], lw=5, alpha=0.6)  # fmt: skip
            axis.axhline(0.5, color="#888888", lw=0.8, ls=":")
            axis.set(title=architecture, xlabel=kind, ylim=(0, 1))
        line[0].set_ylabel("shape bias")
        line[-1].legend(fontsize=7)
    return figure
