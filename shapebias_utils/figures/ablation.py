"""Scores of channels: by what they detect, one against the other, and what zeroing many does."""

from collections.abc import Mapping, Sequence
from itertools import product
from typing import TYPE_CHECKING

import matplotlib as mpl
import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from .drawing import nothing, panels, styled, styles_of, whiskers

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from ..datasets import ImageSet
    from ..networks import Network

CUE_MARKERS = {"shape": "o", "texture": "^"}  # as in the paper's Figure 8
CATEGORY_COLOURS = {
    "object": "#1b9e77", "part": "#66a61e", "scene": "#7570b3", "material": "#a6761d",
    "texture": "#e7298a", "color": "#e6ab02", "none": "#9a9a9a",
}  # fmt: skip
QUANTITIES = {
    "score": "score: images\ndecided otherwise",
    "share": "share of the images\ndecided by that cue",
    "margin": "margin that a\nchannel adds (nats)",
}
ORDER = ("standard", "control", "robust")


@styled
def scores_by_category(
    table: pd.DataFrame, networks: "Sequence[Network]", quantity: str = "score"
) -> Figure:
    """Figure 8: mean over channels towards shape (●) and texture (▲), by what they detect.

    A row of panels an architecture: S, control, R. `quantity` "score", "share" or "margin" of
    `table`, as from ``importance.by_category``: bars are 95 % intervals, grey boxes what random
    channels of the same layers give.
    """
    table = table[table["quantity"] == quantity] if len(table) else table
    if table.empty:
        return nothing("There are no scores of channels.")
    styles = styles_of(networks, table["network"].unique())
    figure, cells = by_training(table, (2.55, 2.3), sharey="row")
    sizes = table.groupby("category")["n"].max().drop("all").sort_values(ascending=False)
    place = {c: i for i, c in enumerate(["all", *sizes.index])}
    for axis, name in cells.items():
        own = table[table["network"] == name]
        for cue, step in (("shape", -0.2), ("texture", 0.2)):
            mine = own[own["cue"] == cue]
            x = mine["category"].map(place) + step
            axis.bar(
                x, mine["random_high"] - mine["random_low"], 0.34, mine["random_low"],
                color="#dddddd", zorder=1,
            )  # fmt: skip
            axis.errorbar(
                x, mine["value"], whiskers(mine, "value"), ls="", marker=CUE_MARKERS[cue], ms=5,
                capsize=2, lw=1, color=styles[name]["color"], zorder=3, label=f"{name}, {cue}",
            )  # fmt: skip
        axis.set_xticks(list(place.values()), list(place), rotation=30, ha="right")
        axis.grid(axis="x", visible=False)
        axis.set(title=name)
        if axis.get_subplotspec().is_last_row():
            axis.set_xlabel("what channels detect")
        if quantity == "share":
            axis.yaxis.set_major_formatter(mpl.ticker.PercentFormatter(1, decimals=0))
        if axis.get_subplotspec().is_first_col():
            axis.set_ylabel(QUANTITIES[quantity])
    for axis in figure.axes:
        axis.set_ylim(1.1 * min(0, table[["low", "random_low"]].min().min()), None)
    handles = [
        mpl.lines.Line2D([], [], ls="", marker=m, color="#333333", label=f"towards {cue}")
        for cue, m in CUE_MARKERS.items()
    ] + [mpl.patches.Patch(color="#dddddd", label="random channels of the same layers (95 %)")]
    figure.legend(handles=handles, loc="outside lower center", ncols=3, fontsize=8)
    return figure


def by_training(
    table: pd.DataFrame, size: tuple[float, float], **share: object
) -> tuple[Figure, dict["Axes", str]]:
    """A figure with a row of panels an architecture, a column a training, and whose each is."""
    names = table.drop_duplicates(["architecture", "training"])
    known = names.set_index(["architecture", "training"])["network"].to_dict()
    rows = list(dict.fromkeys(names["architecture"]))
    trainings = set(names["training"])
    columns = [t for t in ORDER if t in trainings] + sorted(trainings - set(ORDER))
    figure, axes = panels(len(rows), len(columns), size, **share)
    cells = {}
    for (i, architecture), (j, training) in product(enumerate(rows), enumerate(columns)):
        if name := known.get((architecture, training)):
            cells[axes[i, j]] = name
        else:
            axes[i, j].set_axis_off()
    return figure, cells


@styled
def margin_scatter(table: pd.DataFrame) -> Figure:
    """What a channel adds to the margin towards texture against that towards shape, a point each.

    A row of panels an architecture: S, control, R; the colour is the category of its label. On the
    line both are equal. Axes are linear up to .1 nat and logarithmic from there. `table` as from
    ``importance.with_labels``.
    """
    if table.empty:
        return nothing("There are no scores of channels.")
    categories = [c for c in CATEGORY_COLOURS if c in set(table["category"])]
    figure, cells = by_training(table, (2.55, 2.45), sharex=True, sharey=True)
    values = table[["shape_margin", "texture_margin"]].to_numpy()
    low, high = min(-0.1, 1.1 * values.min()), max(0.1, 1.1 * values.max())
    ticks = [t for t in (-1, -0.1, 0, 0.1, 1, 10) if low <= t <= high]
    for axis, name in cells.items():
        own = table[table["network"] == name]
        for category in categories:
            mine = own[own["category"] == category]
            axis.scatter(
                mine["shape_margin"], mine["texture_margin"], s=9, alpha=0.6, lw=0, zorder=3,
                color=CATEGORY_COLOURS[category], label=category,
            )  # fmt: skip
        line = np.linspace(low, high, 400)
        axis.plot(line, line, color="#888888", lw=0.8)
        axis.axhline(0, color="#bbbbbb", lw=0.7, zorder=1)
        axis.axvline(0, color="#bbbbbb", lw=0.7, zorder=1)
        axis.set_xscale("symlog", linthresh=0.1)
        axis.set_yscale("symlog", linthresh=0.1)
        axis.set(title=name, xlim=(low, high), ylim=(low, high))
        axis.set_xticks(ticks, [f"{t:g}" for t in ticks])
        axis.set_yticks(ticks, [f"{t:g}" for t in ticks])
        axis.minorticks_off()
        if axis.get_subplotspec().is_first_col():
            axis.set_ylabel("towards texture (nats)")
        if axis.get_subplotspec().is_last_row():
            axis.set_xlabel("towards shape (nats)")
    handles, labels = next(iter(cells)).get_legend_handles_labels()
    figure.legend(
        handles, labels, loc="outside lower center", ncols=len(categories), fontsize=8,
        markerscale=2, title="detects", title_fontsize=8,
    )  # fmt: skip
    return figure


CURVES = {
    "texture": ("highest Texture scores", "-"),
    "shape": ("highest Shape scores", ":"),
    "texture only": ("texture rather than shape", (0, (6, 2))),
    "shape only": ("shape rather than texture", "-."),
}
"""Order of removal -> what the legend calls it, and its line."""

RANDOM = {"texture": "-", "shape": ":"}


@styled
def removal_curves(table: pd.DataFrame, networks: "Sequence[Network]", k: int = 0) -> Figure:
    """Shape bias against the number of channels zeroed together, a panel a network.

    `table` as from ``cumulative_ablation`` behind the observer's columns. Random sets are thin and
    black, each a line: dotted where they have the layers of the Shape order. At `k` stands a line.
    """
    if table.empty:
        return nothing("There are no networks with scores of channels.")
    styles = styles_of(networks, table["network"].unique())
    figure, cells = by_training(table, (2.55, 2.3), sharex=True, sharey=True)
    for axis, name in cells.items():
        own = table[table["network"] == name]
        for order, mine in own.groupby("order", sort=False):
            mine = mine.sort_values("channels")
            if order in CURVES:
                label, line = CURVES[order]
                axis.errorbar(
                    mine["channels"], mine["shape_bias"], whiskers(mine, "shape_bias"), lw=1.3,
                    marker=CUE_MARKERS[order.split()[0]], ms=4, capsize=1.5, ls=line, zorder=3,
                    color=styles[name]["color"], label=label, elinewidth=0.6,
                    mfc="white" if "only" in order else styles[name]["color"],
                )  # fmt: skip
            else:
                line = RANDOM[order.split()[1]]
                axis.plot(mine["channels"], mine["shape_bias"], color="black", lw=0.6, ls=line)
        axis.axhline(0.5, color="#bbbbbb", lw=0.7, ls="--", zorder=1)
        if k:
            axis.axvline(k, color="#bbbbbb", lw=0.7, zorder=1)
        axis.set(title=name, ylim=(0, 1))
        axis.set_xscale("symlog", linthresh=5)
        ticks = sorted(own["channels"].unique())
        axis.set_xticks(ticks, [str(t) for t in ticks])
        axis.minorticks_off()
        if axis.get_subplotspec().is_first_col():
            axis.set_ylabel("shape bias")
        if axis.get_subplotspec().is_last_row():
            axis.set_xlabel("channels zeroed together")
    colour = "#333333"
    handles = [
        mpl.lines.Line2D([], [], color=colour, ls=line, marker=CUE_MARKERS[order.split()[0]], ms=4,
                         mfc="white" if "only" in order else colour, label=label)
        for order, (label, line) in CURVES.items()
    ] + [
        mpl.lines.Line2D([], [], color="black", lw=0.6, ls=line, label=f"random, as by {cue}")
        for cue, line in RANDOM.items()
    ]  # fmt: skip
    figure.legend(handles=handles, loc="outside lower center", ncols=3, fontsize=7)
    return figure


@styled
def channel_examples(
    preferred: "Sequence[str]",
    natural: "ImageSet",
    flipped: "Mapping[str, pd.DataFrame]",
    stimuli: "ImageSet",
    title: str = "",
    beside: bool = False,
) -> Figure:
    """Figures 9 and A6 to A8: what a channel prefers, and the images that it decides.

    `preferred` are names of `natural` images, the highest activation first; `flipped` maps the
    heading of a block to rows of ``scores.flips``, of `stimuli`. 16 images a block at most, in
    eight columns; `beside` puts the preferred ones to the left, in four, and shows 8 of the others.
    Captions say shape/texture, then the decision with the channel → without it.
    """
    if not len(preferred) and not any(map(len, flipped.values())):
        return nothing("There is no channel to show the images of.")
    left = (list(preferred[:16]), [""] * len(preferred[:16]), natural, "highest activation")
    blocks = []
    for heading, table in flipped.items():
        own = table.head(8 if beside else 16)
        cues = own["imagename"].str.extract(r"([a-z]+)\d+-([a-z]+)")
        captions = [
            f"{shape}/{texture}:\n{before} → {after}"
            for (shape, texture), before, after in zip(
                cues.to_numpy(), own["before"], own["after"], strict=True
            )
        ]
        blocks.append((own["imagename"].tolist(), captions, stimuli, heading))
    figure = Figure(figsize=(9.6, 5.8), layout="constrained")
    if beside:
        first, rest = figure.add_gridspec(1, 2, width_ratios=(1, 1.25))
        rest = rest.subgridspec(len(blocks), 1)
        places = [first, *(rest[i] for i in range(len(blocks)))]
    else:
        heights = [2.1, *(2.75 if len(b[0]) > 8 else 1.5 for b in blocks)]
        figure.set_size_inches(9.6, 1.16 * sum(heights) + 0.3 * len(heights) + 0.2)
        places = list(figure.add_gridspec(1 + len(blocks), 1, height_ratios=heights))
    for place, block in zip(places, [left, *blocks], strict=True):
        _tiles(figure.add_subplot(place), *block, columns=4 if beside else 8)
    figure.suptitle(title, fontsize=9)
    return figure


def _tiles(
    axis: "Axes", names: "Sequence[str]", captions: "Sequence[str]", images: "ImageSet",
    heading: str, columns: int,
) -> None:  # fmt: skip
    """Images in rows on one axis, each with its caption below; the heading above."""
    axis.set_axis_off()
    axis.set_title(heading, fontsize=8, loc="left", pad=2)
    if not len(names):
        axis.text(0, 1, "none", fontsize=8, transform=axis.transAxes, va="top")
        return
    wide, high = 1.1, 1.42 if any(captions) else 1.06
    position = pd.Series(images.table.index, index=images.table["imagename"])
    shown = images.load(list(position[names])).numpy().transpose(0, 2, 3, 1)
    for i, (image, caption) in enumerate(zip(shown, captions, strict=True)):
        x, y = wide * (i % columns), high * (i // columns)
        small = max(image.shape[:2]) <= 96
        axis.imshow(image.clip(0, 1), extent=(x, x + 1, y + 1, y),
                    interpolation="nearest" if small else "antialiased")  # fmt: skip
        axis.text(x + 0.5, y + 1.03, caption, fontsize=6.5, ha="center", va="top")
    rows = -(-len(names) // columns)
    axis.set(xlim=(0, wide * columns - 0.1), ylim=(high * rows, 0), aspect="equal", anchor="NW")
