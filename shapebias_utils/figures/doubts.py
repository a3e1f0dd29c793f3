"""What the criticism since the paper leaves standing: bias against accuracy, cues, hybrids."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
from matplotlib.figure import Figure
from matplotlib.ticker import NullFormatter, ScalarFormatter

from ..networks import MARKERS, TRAINING_COLOURS
from .drawing import (
    HUMAN,
    LABELS,
    OTHER,
    crossing_bar,
    curve,
    legend_below,
    nothing,
    panels,
    styled,
    styles_of,
    whiskers,
)

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from ..networks import Network


@styled
def dots(
    table: pd.DataFrame,
    networks: "Sequence[Network]",
    panel: str,
    row: str,
    xlabel: str,
    titles: Mapping[str, str] | None = None,
    even: Mapping[str, float] | None = None,
) -> Figure:
    """A statistic with its interval: a panel a value of one column, a line of marks one of another.

    `table` as from ``statistics.levels``; a mark is a network, in the colour of its training.
    Panels and lines are in the order of `titles`, which replace their names, and others behind;
    `even` has the places of dotted lines, by panel.
    """
    if table.empty:
        return nothing("There is nothing to show: this dataset cannot draw what is asked for.")
    titles, even = titles or {}, even or {}
    columns, rows = (
        [value for value in dict.fromkeys([*titles, *table[c]]) if value in set(table[c])]
        for c in (panel, row)
    )
    kinds = list(dict.fromkeys(table["training"]))
    size = min(2.9, 11.5 / len(columns)), max(0.2 * len(rows) * min(len(kinds), 5) + 1.3, 2.2)
    figure, axes = panels(1, len(columns), size, sharey=True)
    for axis, column in zip(axes[0], columns, strict=True):
        own = table[table[panel] == column]
        for training, marks in own.groupby("training", sort=False):
            at = [rows.index(r) for r in marks[row]]
            place = np.array(at) + 0.7 * ((kinds.index(training) + 0.5) / len(kinds) - 0.5)
            for y, (_, mark) in zip(place, marks.iterrows(), strict=True):
                one = marks.loc[[mark.name]]
                axis.errorbar(
                    one["value"], [y], xerr=whiskers(one, "value"), ls="", ms=5, capsize=2,
                    label=LABELS.get(training, training), **_style(networks, mark),
                )  # fmt: skip
        if column in even:
            axis.axvline(even[column], color="#888888", lw=0.8, ls=":")
        axis.set_title(titles.get(column, column), fontsize=9)
        axis.set_xlabel(xlabel, fontsize=8)
        axis.grid(axis="y", visible=False)
    axes[0, 0].set_yticks(range(len(rows)), [titles.get(r, r) for r in rows])
    axes[0, 0].set_ylim(len(rows) - 0.5, -0.5)
    legend_below(figure)
    return figure


def _style(networks: "Sequence[Network]", row: pd.Series) -> dict:
    """Colour and marker of a network's row: its record's, or of others those of its training and
    architecture."""
    if any(network.name == row["network"] for network in networks):
        return styles_of(networks, [row["network"]])[row["network"]]
    colour = TRAINING_COLOURS.get(row["training"], OTHER)
    architecture = str(row["architecture"]).split("\n")[0]
    return {"color": colour, "marker": MARKERS.get(architecture, "D")}


@styled
def gains(table: pd.DataFrame) -> Figure:
    """What the lead of R is made of: bars by shape and by less texture, a panel what it leads.

    `table` as from ``measures.doubts.balance.gains``.
    """
    if table.empty:
        return nothing("There is no S/R pair among these networks.")
    against = list(dict.fromkeys(table["against"]))
    many = table["architecture"].nunique() > 3  # too many names to stand beside each other
    figure, axes = panels(1, len(against), (3.4, 3.4 if many else 2.6), sharey=True)
    parts = {"by_shape": "more by shape", "by_texture": "less by texture"}
    shades = {"by_shape": TRAINING_COLOURS["robust"], "by_texture": TRAINING_COLOURS["standard"]}
    for axis, other in zip(axes[0], against, strict=True):
        own = table[table["against"] == other].reset_index(drop=True)
        for k, (part, label) in enumerate(parts.items()):
            place = own.index + 0.36 * (k - 0.5)
            rows = own[[part, f"{part}_low", f"{part}_high"]].set_axis(["v", "low", "high"], axis=1)
            axis.bar(place, rows["v"], 0.34, yerr=whiskers(rows, "v"), color=shades[part],
                     alpha=0.8, error_kw={"lw": 1}, label=label)  # fmt: skip
        axis.axhline(0, color="#555555", lw=0.8)
        if many:
            names = own["architecture"].str.replace("\n", " ")
            axis.set_xticks(own.index, names, rotation=30, ha="right", fontsize=8)
        else:
            axis.set_xticks(own.index, own["architecture"])
        name = "S" if other == "standard" else f"the {other}"
        axis.set_title(f"R against {name}", fontsize=9)
        axis.set_xlabel("architecture", fontsize=8)
        axis.grid(axis="x", visible=False)
    axes[0, 0].set_ylabel("part of the difference\nin shape bias")
    legend_below(figure)
    return figure


@styled
def frequency_conflict(
    table: pd.DataFrame,
    balance: pd.DataFrame,
    networks: "Sequence[Network]",
    elsewhere: "Mapping[str, tuple[pd.DataFrame, pd.DataFrame]] | None" = None,
) -> Figure:
    """Share decided by the low frequencies along the cutoff: a panel an architecture.

    `table` and `balance` as from ``measures.psychometric``; a thick bar at one half is the interval
    of the cutoff at which both weigh the same. Beside them, a panel each, both tables of other
    images, by what these are called.
    """
    if table.empty:
        return nothing("There are no hybrid images.")
    shown = {
        name: (own, balance) for name, own in table.groupby("architecture", sort=False)
    } | (elsewhere or {})  # fmt: skip
    width = min(2.9, 13.5 / len(shown))
    figure, axes = panels(1, len(shown), (width, 2.7), sharey=True)
    for axis, (title, (own, crossings)) in zip(axes[0], shown.items(), strict=True):
        for name, rows in own.groupby("network", sort=False):
            training, style = rows["training"].iloc[0], _style(networks, rows.iloc[0])
            curve(axis, rows["level"], rows, "shape_bias", style, ms=4, lw=1.2,
                  label=LABELS.get(training, training))  # fmt: skip
            found = crossings[crossings["network"] == name]
            ends = rows["level"].min(), rows["level"].max()
            crossing_bar(axis, found, ends, style["color"])
        axis.axhline(0.5, color="#888888", lw=0.8, ls=":")
        axis.set_xscale("log", base=2)
        axis.set_xticks(sorted(own["level"].unique()))
        axis.xaxis.set_major_formatter(ScalarFormatter())
        axis.xaxis.set_minor_formatter(NullFormatter())
        axis.set(title=title, ylim=(0, 1))
        axis.title.set_fontsize(9)
        axis.set_xlabel("cutoff (cycles an image)", fontsize=8)
    axes[0, 0].set_ylabel("share decided by\nthe low frequencies")
    legend_below(figure)
    return figure


@styled
def error_consistency(
    here: pd.DataFrame, stimuli: pd.DataFrame, published: pd.DataFrame, title: str
) -> Figure:
    """Cohen's kappa of groups of pairs, with intervals: here, on the published stimuli, in print.

    `here` and `stimuli` as from ``measures.doubts.consistency.pairwise``; `published` has `of`,
    `value` and `read` (R or M).
    """
    if here.empty:
        return nothing("There are no two networks to compare.")
    stimuli = stimuli.reindex(columns=here.columns)  # where none are stored
    figure, axes = panels(1, 2, (4.8, 3.0))
    left, right = axes[0]
    _kappas(left, here, TRAINING_COLOURS["robust"])
    left.set_title(title, fontsize=9)
    _kappas(right, stimuli, HUMAN)
    start = len(stimuli)
    right.plot(published["value"], start + np.arange(len(published)), ls="", marker="D", mfc="none",
               color=OTHER)  # fmt: skip
    printed = [f"{row.of} with human, printed ({row.read})" for row in published.itertuples()]
    right.set_yticks(range(start + len(published)), [*stimuli["group"], *printed])
    right.set_ylim(start + len(published) - 0.5, -0.5)
    right.set_title("Published stimuli, human observers", fontsize=9)
    for axis in (left, right):
        axis.set_xlabel("error consistency (Cohen's kappa)", fontsize=8)
        axis.tick_params(axis="y", labelsize=7.5)
        axis.axvline(0, color="#888888", lw=0.8, ls=":")
        axis.grid(axis="y", visible=False)
    return figure


def _kappas(axis: "Axes", table: pd.DataFrame, colour: str) -> None:
    place = np.arange(len(table))
    axis.errorbar(table["kappa"], place, xerr=whiskers(table, "kappa"), fmt="o", ms=5, capsize=2,
                  color=colour)  # fmt: skip
    axis.set_yticks(place, table["group"])
    axis.set_ylim(max(len(table), 1) - 0.5, -0.5)
