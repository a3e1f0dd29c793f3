"""Decisions on images with conflicting cues: by category, and what for what."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

import matplotlib as mpl
import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from ..categories import CATEGORIES
from ..networks import TRAINING_COLOURS
from .drawing import crossing_bar, curve, nothing, panels, styled, styles_of

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from ..networks import Network

LINES = {"AlexNet": "-", "GoogLeNet": "--", "ResNet": ":"}
"""How the lines of architectures differ where networks of several share a panel, and a colour."""

OFFSETS = {"standard": 0.24, "control": 0.0, "robust": -0.24}
"""How far from its row's middle a network's marker stands, so that intervals can be told apart."""


@styled
def shape_bias_by_category(
    table: pd.DataFrame,
    overall: pd.DataFrame,
    networks: "Sequence[Network]",
    paper: pd.DataFrame | None = None,
    cue: str = "shape",
) -> Figure:
    """The plot of model-vs-human, a panel an architecture: a row a category, a marker an observer.

    `table` has a row for each observer and `category` of that `cue`, `overall` one for each
    observer (both from ``measures.shape_bias.shape_bias``): its pooled bias is a line, shaded with
    its interval. A marker's bar is its interval, its area the number of images decided by a cue.
    Observers that are no networks, as humans, stand in every panel. A cross on the upper edge is
    the value that the `paper` has (`architecture`, `training`, `shape` in per cent). The categories
    are sorted by the mean shape bias of the humans, or of all where there is none, the most
    shape-biased on top.
    """
    if table.empty or overall.empty:
        return nothing("There are no decisions on images with conflicting cues.")
    human = table[table["training"] == "human"]
    order = (human if len(human) else table).groupby("category")["shape_bias"].mean()
    order = order.reindex(dict.fromkeys([*order.index, *table["category"]])).sort_values(
        na_position="first", kind="stable"
    )
    rows = {category: i for i, category in enumerate(order.index)}
    decided = table["shape"] + table["texture"]
    area = 60 / max(decided.max(), 1)
    styles = styles_of(networks, overall["network"])
    ours = overall[overall["network"].isin([n.name for n in networks])]
    others = overall[~overall["network"].isin(ours["network"])]
    architectures = list(dict.fromkeys(ours["architecture"])) or [""]
    size = (6.4 if len(architectures) == 1 else 3.2, 0.27 * len(rows) + 2.2)
    figure, axes = panels(1, len(architectures), size, sharey=True)
    handles = {}
    for axis, architecture in zip(axes[0], architectures, strict=True):
        here = pd.concat([ours[ours["architecture"] == architecture], others])
        for row in here.itertuples():
            style, mine = styles[row.network], (table["network"] == row.network)
            own, colour = table[mine], style["color"]
            y = own["category"].map(rows) + OFFSETS.get(row.training, -0.38)
            axis.axvspan(1 - row.high, 1 - row.low, color=colour, alpha=0.12, lw=0, zorder=1)
            axis.axvline(1 - row.shape_bias, color=colour, lw=1.2, zorder=2)
            axis.hlines(y, 1 - own["high"], 1 - own["low"], color=colour, lw=1, zorder=3)
            axis.scatter(
                1 - own["shape_bias"], y, s=8 + area * decided[mine], color=colour,
                marker=style["marker"], ec="white", lw=0.5, zorder=4, clip_on=False,
                label=row.network,
            )  # fmt: skip
            label = "humans" if row.training == "human" else row.network
            handles[label] = mpl.lines.Line2D([], [], mec="white", ms=7, **style)
        _papers(axis, paper, architecture)
        axis.set(
            xlim=(0, 1), ylim=(-0.7, len(rows) - 0.3), xlabel='fraction of "texture" decisions'
        )
        axis.set_yticks(list(rows.values()), list(rows))
        axis.grid(axis="x", visible=False)
        axis.grid(axis="y", ls=":", color="#bbbbbb")
        top = axis.secondary_xaxis("top", functions=(lambda x: 1 - x, lambda x: 1 - x))
        top.set_xlabel(f'{architecture}\nfraction of "shape" decisions'.strip())
    axes[0, 0].set_ylabel(f"category of the {cue}")
    few, many = (int(decided.quantile(q)) for q in (0.05, 1))
    for n in dict.fromkeys((few, many)):
        handles[f"n = {n} decided by a cue"] = mpl.lines.Line2D(
            [], [], ls="", marker="o", color="#bbbbbb", ms=np.sqrt(8 + area * n)
        )
    if paper is not None:
        handles["all, in the paper"] = mpl.lines.Line2D([], [], ls="", marker="x", color="black")
    figure.legend(
        handles.values(), handles, loc="outside lower center", handlelength=2,
        ncols=min(len(handles), max(3, len(architectures))),
    )  # fmt: skip
    return figure


def _papers(axis: "Axes", paper: pd.DataFrame | None, architecture: str) -> None:
    """Crosses on the upper edge where the paper has the networks of that architecture."""
    if paper is None:
        return
    for row in paper[paper["architecture"] == architecture].itertuples():
        if row.training in TRAINING_COLOURS:
            axis.plot([1 - row.shape / 100], [1], marker="x", ms=8, mew=2, clip_on=False, zorder=5,
                      color=TRAINING_COLOURS[row.training], label="_paper",
                      transform=axis.get_xaxis_transform())  # fmt: skip


@styled
def confusion(table: pd.DataFrame, networks: Sequence[str]) -> Figure:
    """Share of each response among the images of a cue: a row of panels a cue, a column a network.

    `table` as from ``measures.shape_bias.confusion``; over each panel the share decided by the cue.
    """
    if table.empty or not len(networks):
        return nothing("There are no decisions on images with conflicting cues.")
    import seaborn as sns

    figure, axes = panels(2, len(networks), (3.0, 2.75), sharex=True, sharey=True)
    rows = [c for c in CATEGORIES if c in set(table["category"])]
    columns = [c for c in CATEGORIES if c in rows or c in set(table["response"])]
    for line, cue in zip(axes, ("shape", "texture"), strict=True):
        for axis, name in zip(line, networks, strict=True):
            own = table[(table["network"] == name) & (table["cue"] == cue)]
            grid = own.pivot(index="category", columns="response", values="share")
            grid = grid.reindex(index=rows, columns=columns).fillna(0)
            sns.heatmap(grid, vmin=0, vmax=1, cmap="Greys", cbar=False, square=True, ax=axis,
                        xticklabels=True, yticklabels=True)  # fmt: skip
            axis.set_title(f"{name}: {np.diag(grid[rows]).mean():.0%} by {cue}", fontsize=9)
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
    order = list(OFFSETS)  # S, the control between, R
    shown.sort(key=lambda n: order.index(n.training) if n.training in order else len(order))
    rows = {n.architecture: [m for m in shown if m.architecture == n.architecture] for n in shown}
    most = max(map(len, rows.values()))
    figure, axes = panels(len(rows), most, (3.1, 2.75), sharex=True, sharey=True)
    ends = (TRAINING_COLOURS["standard"], "#f5f5f5", TRAINING_COLOURS["robust"])
    colours = mpl.colors.LinearSegmentedColormap.from_list("texture to shape", ends)
    known = [c for c in CATEGORIES if c in {*table["shape"], *table["texture"]}]
    for line, own in zip(axes, rows.values(), strict=True):
        for axis in line[len(own) :]:
            axis.set_axis_off()
        for axis, network in zip(line, own, strict=False):
            leads = table[table["network"] == network.name]
            grid = leads.pivot(index="shape", columns="texture", values="lead")
            grid = grid.reindex(index=known, columns=known)
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
    """Shape bias along the contrast of each cue, and beside it what each cue alone decides.

    A row an architecture, two columns an axis. `table` and `balance` as from
    ``measures.psychometric``. A thick bar at one half is the interval of the point where both cues
    weigh the same, with an arrowhead where it goes on beyond what was drawn. In the second column
    solid is the share of the images that are given their shape's category, dashed their
    texture's; the dotted line is chance.
    """
    if table.empty:
        return nothing("This dataset cannot draw its cues at other contrasts.")
    styles = styles_of(networks, table["network"].unique())
    architectures, kinds = (list(dict.fromkeys(table[c])) for c in ("architecture", "axis"))
    columns = 2 * len(kinds)
    figure, axes = panels(len(architectures), columns, (2.45, 2.1), sharex="col", sharey=True)
    for line, architecture in zip(axes, architectures, strict=True):
        for (left, right), kind in zip(line.reshape(-1, 2), kinds, strict=True):
            here = (table["architecture"] == architecture) & (table["axis"] == kind)
            for name, rows in table[here].groupby("network", sort=False):
                colour = styles[name]["color"]
                curve(left, rows["level"], rows, "shape_bias", styles[name], ms=4, label=name)
                found = balance[(balance["network"] == name) & (balance["axis"] == kind)]
                crossing_bar(left, found, (rows["level"].min(), rows["level"].max()), colour)
                for cue, dashes in (("by_shape", "-"), ("by_texture", "--")):
                    right.plot(rows["level"], rows[cue], color=colour, ls=dashes, lw=1.3)
            left.axhline(0.5, color="#888888", lw=0.8, ls=":")
            right.axhline(1 / len(CATEGORIES), color="#888888", lw=0.8, ls=":")
            left.set(title="shape bias", ylim=(0, 1.02))
            right.set_title("given shape's (–), texture's (- -)")
        line[0].set_ylabel(architecture)
        for axis in line:
            axis.title.set_fontsize(8)
    for axis, kind in zip(axes[-1], np.repeat(kinds, 2), strict=True):
        axis.set_xlabel(kind)
    shown = {n.training: n for n in networks if n.name in styles}
    lines = [mpl.lines.Line2D([], [], color=n.colour) for n in shown.values()]
    figure.legend(lines, shown, loc="outside lower center", ncols=len(lines))
    return figure
