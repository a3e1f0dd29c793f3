"""What channels detect: by category, layer by layer, concept by concept, under two labellings."""

from collections.abc import Sequence

import numpy as np
import pandas as pd
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from ..networks import REGIME_COLOURS, TRAINING_COLOURS
from .drawing import OTHER, curve, nothing, panels, styled, whiskers

COLOURS = {"S": TRAINING_COLOURS["standard"], "R": TRAINING_COLOURS["robust"]}

TITLES = {
    "standard": "S", "control": "control", "robust": "R", "sin": "SIN", "sin-in": "SIN + IN",
    "untrained": "untrained",
}  # fmt: skip
"""Training -> what it is called in legends, in the order of these."""

DESTINATIONS = (
    "color", "its texture", "texture", "object", "part", "scene", "material", "none",
)  # fmt: skip
"""Columns of the cross-labelling, where they occur."""


def _trainings(table: pd.DataFrame) -> dict[str, str]:
    """Training -> its colour, in the order of `TITLES`, others last."""
    found = list(dict.fromkeys(table["training"]))
    order = [t for t in TITLES if t in found] + [t for t in found if t not in TITLES]
    return {t: (TRAINING_COLOURS | REGIME_COLOURS).get(t, OTHER) for t in order}


@styled
def channels_by_category(table: pd.DataFrame, paper: pd.DataFrame | None = None) -> Figure:
    """Channels that detect each category: bars with intervals, a panel an architecture.

    `table` has `architecture`, `training`, `category`, `count`, `share`, `low`, `high` and `n`
    (``tables.dissection.counts``). Over the bars of R its change from S in per cent and, where
    `paper` has a `change` for the architecture and category, the paper's in brackets.
    """
    if table.empty:
        return nothing("There is no network whose channels could be counted.")
    colours, groups = _trainings(table), list(table.groupby("architecture", sort=False))
    width = 0.8 / len(colours)
    figure, axes = panels(1, len(groups), (3.4, 3.3))
    keys = ["architecture", "category"]
    published = {} if paper is None else paper.set_index(keys)["change"].to_dict()
    for axis, (architecture, own) in zip(axes[0], groups, strict=True):
        kinds = sorted(own["category"].unique())
        for i, (training, colour) in enumerate(colours.items()):
            rows = own[own["training"] == training].set_index("category").reindex(kinds)
            n = rows["n"]
            bars = rows.assign(low=rows["low"] * n, high=rows["high"] * n)
            x = np.arange(len(kinds)) + (i - (len(colours) - 1) / 2) * width
            lines = {"lw": 0.9, "ecolor": "#333333"}
            axis.bar(x, rows["count"], width, color=colour, label=TITLES.get(training, training),
                     yerr=whiskers(bars, "count"), error_kw=lines)  # fmt: skip
        wide = own.pivot(index="category", columns="training", values="count").reindex(kinds)
        if {"standard", "robust"} <= set(wide):
            top = (own["high"] * own["n"]).groupby(own["category"]).max().reindex(kinds)
            for x, kind in enumerate(kinds):
                text = _change(wide.loc[kind], published.get((architecture, kind), np.nan))
                axis.text(x, top[kind], text, ha="center", va="bottom", fontsize=7.5)
        axis.set_xticks(range(len(kinds)), kinds)
        axis.set_title(architecture, pad=8)
        axis.grid(axis="x", visible=False)
        axis.margins(y=0.14)
    axes[0, 0].set_ylabel("channels")
    axes[0, len(groups) // 2].set_xlabel("category of a channel's label")
    figure.legend(*axes[0, 0].get_legend_handles_labels(), loc="outside lower center",
                  ncols=len(colours))  # fmt: skip
    return figure


def _change(counts: pd.Series, published: float) -> str:
    before, after = counts["standard"], counts["robust"]
    text = f"{100 * (after - before) / before:+.0f} %" if before else "new" if after else ""
    return text if np.isnan(published) else f"{text}\n({published:+.0f} %)"


@styled
def channels_by_layer(table: pd.DataFrame, column: str, label: str) -> Figure:
    """A value layer by layer with its interval, S, control and R: a row of panels an architecture.

    `table` has `architecture`, `training`, `layer`, `value`, `low`, `high`; a panel for each value
    of `column`, all on one scale from 0. `label` names what is shown, with its unit.
    """
    if table.empty:
        return nothing("There is no network to be shown layer by layer.")
    colours, groups = _trainings(table), list(dict.fromkeys(table[column]))
    architectures = list(dict.fromkeys(table["architecture"]))
    size = (max(2.1, 10.4 / len(groups)) if len(groups) > 1 else 7.2, 2.2)
    figure, axes = panels(len(architectures), len(groups), size, sharey="row")
    for line, architecture in zip(axes, architectures, strict=True):
        rows = table[table["architecture"] == architecture]
        layers = list(dict.fromkeys(rows["layer"]))
        for axis, group in zip(line, groups, strict=True):
            for training, colour in colours.items():
                own = rows[(rows["training"] == training) & (rows[column] == group)]
                own = own.set_index("layer").reindex(layers)
                style = {"color": colour, "marker": "o", "markersize": 3}
                curve(axis, range(len(layers)), own, "value", style)
            short = [layer.replace("inception", "") for layer in layers]
            axis.set_xticks(range(len(layers)), short, rotation=90, fontsize=7.5)
            axis.set_title(f"{architecture}: {group}" if len(groups) > 1 else architecture,
                           fontsize=9)  # fmt: skip
        line[0].set_ylim(min(0, rows["low"].min()), 1.04 * rows["high"].max())  # shared by the line
    axes[len(architectures) // 2, 0].set_ylabel(label)
    axes[-1, len(groups) // 2].set_xlabel("layer")
    handles = [Line2D([], [], color=c, marker="o", markersize=3) for c in colours.values()]
    figure.legend(handles, [TITLES.get(t, t) for t in colours], loc="outside lower center",
                  ncols=len(colours))  # fmt: skip
    return figure


@styled
def cross_labelling(table: pd.DataFrame) -> Figure:
    """Where channels of each category go under the second labelling: a matrix a network.

    `table` as from ``labellings.destinations``. A cell has the number of channels; its shade is
    their share of the row. Framed is what stays as it was: a colour that reads colours, and so on.
    """
    if table.empty:
        return nothing("There is one labelling only, so there is nothing to cross.")
    colours = _trainings(table)
    architectures = list(dict.fromkeys(table["architecture"]))
    rows = [c for c in ("color", "texture", "object", "part", "scene", "material", "none")
            if c in set(table["category"])]  # fmt: skip
    columns = [d for d in DESTINATIONS if d in set(table["to"])]
    figure, axes = panels(len(architectures), len(colours), (3.5, 2.5))
    for line, architecture in zip(axes, architectures, strict=True):
        for axis, training in zip(line, colours, strict=True):
            own = table[(table["architecture"] == architecture) & (table["training"] == training)]
            wide, share = (own.pivot_table(index="category", columns="to", values=value,
                                           aggfunc="sum").reindex(rows, axis=0)
                           .reindex(columns, axis=1).fillna(0)
                           for value in ("count", "share"))  # fmt: skip
            axis.imshow(share, cmap="Blues", vmin=0, vmax=1, aspect="auto")
            for (i, j), count in np.ndenumerate(wide.to_numpy(int)):
                shade = "white" if share.iat[i, j] > 0.55 else "black"
                axis.text(j, i, count or "", ha="center", va="center", fontsize=8, color=shade)
            _frame(axis, rows, columns)
            axis.set_title(f"{architecture}: {TITLES.get(training, training)}", fontsize=9)
            axis.set_xticks(range(len(columns)), columns, rotation=35, ha="right", fontsize=7.5)
            axis.set_yticks(range(len(rows)), rows, fontsize=7.5)
            axis.grid(visible=False)
            axis.tick_params(length=0)
    axes[len(architectures) // 2, 0].set_ylabel("label as Broden labels")
    axes[-1, len(colours) // 2].set_xlabel("label where cues conflict")
    return figure


def _frame(axis, rows: Sequence[str], columns: Sequence[str]) -> None:
    """Frames around the cells that keep their category."""
    for i, row in enumerate(rows):
        if row in columns:
            x, y = columns.index(row) - 0.5, i - 0.5
            axis.plot([x, x + 1, x + 1, x, x], [y, y, y + 1, y + 1, y], color="#444444", lw=1)


@styled
def concept_differences(table: pd.DataFrame, categories: tuple[str, ...], most: int = 12) -> Figure:
    """Channels of a concept in R less those in S: a row an architecture, a column a category.

    `table` as from ``detectors.by_concept``. At most `most` concepts a panel, those that
    change most, the largest gain of R on the left.
    """
    table = table[table["category"].isin(categories) & (table["difference"] != 0)]
    if table.empty:
        return nothing("There is no S/R pair whose channels changed their concepts.")
    architectures = list(table["architecture"].unique())
    figure, axes = panels(len(architectures), len(categories), (4.4, 2.3))
    for line, architecture in zip(axes, architectures, strict=True):
        for axis, category in zip(line, categories, strict=True):
            own = table[(table["architecture"] == architecture) & (table["category"] == category)]
            kept = own["difference"].abs().nlargest(most, keep="first").index
            own = own.loc[own.index.isin(kept)]
            colours = np.where(own["difference"] > 0, COLOURS["R"], COLOURS["S"])
            axis.bar(own["concept"], own["difference"], color=colours)
            axis.axhline(0, color="black", lw=0.8)
            axis.tick_params(axis="x", rotation=90, labelsize=7.5)
            axis.set_title(f"{architecture}: {category}", fontsize=9)
            axis.grid(axis="x", visible=False)
        line[0].set_ylabel("channels, R − S")
    return figure
