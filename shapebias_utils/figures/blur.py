"""Is R more than a blur: shape bias against the accuracy that blur, and R, cost."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import pandas as pd
from matplotlib.figure import Figure

from ..networks import MARKERS, TRAINING_COLOURS
from .drawing import LABELS, OTHER, curve, legend_below, nothing, panels, styled, whiskers

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from ..networks import Network

LINES = {"blur": "-", "resizing": "--"}


@styled
def more_than_blur(
    table: pd.DataFrame,
    networks: "Sequence[Network]",
    stimuli: pd.DataFrame,
    paper: pd.DataFrame,
    elsewhere: Mapping[str, pd.DataFrame] | None = None,
) -> Figure:
    """Shape bias against the accuracy lost, along blur and resizing: a column an architecture.

    `table` as from ``evidence.doubts.Doubts.curves``, a row of panels a `subset` of the images that
    accuracy is of. Accuracy lost is that of the S of the architecture as it is, less that of the
    point. R as it is has a large marker. Beside them, a panel each, a network of the published
    stimuli (`stimuli`: `kind`, `level`, `shape_bias`, `low`, `high`, `lost`, `top1`,
    `stimuli`: which) with the paper's networks (`paper`: `architecture`, `training`, `shape_bias`
    and `lost`), and such tables of other datasets, by their names (of each its first subset).
    """
    known = {n.name: n for n in networks}
    table = table[table["network"].isin(known) & table["training"].isin(LABELS)]
    if table.empty:
        return nothing("There are no networks that were blurred.")
    architectures = list(dict.fromkeys(table["architecture"]))
    subsets = list(dict.fromkeys(table["subset"]))
    others = {} if stimuli.empty else {"": stimuli}
    others |= elsewhere or {}
    columns = len(architectures) + -(-len(others) // len(subsets))
    figure, axes = panels(len(subsets), columns, (2.9, 2.75), sharex=False, sharey=True)
    for line, subset in zip(axes, subsets, strict=True):
        for axis, architecture in zip(line, architectures, strict=False):
            own = table[(table["subset"] == subset) & (table["architecture"] == architecture)]
            _bias_against_loss(axis, own)
            axis.set_title(architecture, fontsize=9)
            axis.set_xlabel(f"accuracy lost (points), {subset}", fontsize=8)
        line[0].set_ylabel("shape bias")
    free = axes[:, len(architectures) :].T.flatten()
    for axis, (name, other) in zip(free, others.items(), strict=False):
        if name:
            _other_dataset(axis, other, name)
        else:
            _published(axis, other, paper)
    for axis in free[len(others) :]:
        axis.set_axis_off()
    axes[0, 0].set_ylim(0, 1.02)
    legend_below(figure)
    return figure


def _other_dataset(axis: "Axes", table: pd.DataFrame, name: str) -> None:
    """All architectures of another dataset in one panel, their R's named."""
    own = table[(table["subset"] == table["subset"].iloc[0]) & table["training"].isin(LABELS)]
    for i, (architecture, rows) in enumerate(own.groupby("architecture", sort=False)):
        _bias_against_loss(axis, rows, MARKERS.get(architecture, "D"), named=i == 0)
        robust = rows[(rows["training"] == "robust") & (rows["kind"] == "blur")]
        for row in robust.sort_values("level").head(1).itertuples():
            lost = 100 * (_reference(rows) - row.accuracy)
            axis.annotate(architecture, (lost, row.shape_bias), (7, 5), fontsize=6.5,
                          textcoords="offset points", color="#555555")  # fmt: skip
    axis.set_title(name, fontsize=9)
    axis.set_xlabel(f"accuracy lost (points), {own['subset'].iloc[0]}", fontsize=8)


def _reference(own: pd.DataFrame) -> float:
    """Accuracy of the S of an architecture as it is; the highest there is without S."""
    first = own["training"].eq("standard") & own["level"].eq(own["level"].min())
    return own.loc[first, "accuracy"].iloc[0] if first.any() else own["accuracy"].max()


def _bias_against_loss(
    axis: "Axes", own: pd.DataFrame, marker: str = "o", named: bool = True
) -> None:
    own = own.assign(lost=100 * (_reference(own) - own["accuracy"])).sort_values("level")
    for (training, kind), rows in own.groupby(["training", "kind"], sort=False):
        if training not in TRAINING_COLOURS:
            continue
        colour = TRAINING_COLOURS[training]
        if len(rows) > 1 and training != "control":
            label = f"{LABELS[training]}, {'blurred' if kind == 'blur' else 'resized'}"
            style = {"color": colour, "ls": LINES[kind], "marker": "." if kind == "blur" else "x"}
            curve(
                axis, rows["lost"], rows, "shape_bias", style, alpha=0.1, lw=1.2, ms=5, label=label
            )
        if kind == "blur":
            if training == "standard" and named:
                _name_levels(axis, rows)
            at = rows.iloc[[0]]
            ends = whiskers(at, "shape_bias")
            axis.errorbar(
                at["lost"],
                at["shape_bias"],
                ends,
                fmt=marker,
                ms=8,
                color=colour,
                mec="white",
                capsize=3,
                zorder=5,
                label=f"{LABELS[training]} as it is",
            )


def _name_levels(axis: "Axes", rows: pd.DataFrame) -> None:
    for row in rows[rows["level"] > 0].itertuples():
        axis.annotate(f"{row.level:g}", (row.lost, row.shape_bias), (3, -9), fontsize=6.5,
                      textcoords="offset points", color="#555555")  # fmt: skip


def _published(axis: "Axes", stimuli: pd.DataFrame, paper: pd.DataFrame) -> None:
    shades = (OTHER, "#9a9a9a", "#c4c4c4")
    sets = list(dict.fromkeys(stimuli["stimuli"]))
    for (which, kind), rows in stimuli.groupby(["stimuli", "kind"], sort=False):
        rows = rows.sort_values("level")
        style = {"ls": LINES[kind], "marker": "." if kind == "blur" else "x"}
        style["color"] = shades[sets.index(which) % len(shades)]
        done = "blurred" if kind == "blur" else "resized"
        label = f"{rows['network'].iloc[0]} {done}, {which}"
        curve(axis, rows["lost"], rows, "shape_bias", style, alpha=0.12, lw=1.2, ms=5, label=label)
        few = rows[rows["top1"].isna() & (rows["level"] > rows["level"].min())]
        ends = 100 * (
            few[["accuracy_high", "accuracy_low"]].to_numpy() - few[["accuracy"]].to_numpy()
        )
        axis.errorbar(few["lost"], few["shape_bias"], xerr=abs(ends.T), ls="", lw=0.7,
                      color=style["color"], alpha=0.6)  # fmt: skip
        if kind == "blur" and which == sets[0]:
            _name_levels(axis, rows)
    for row in paper.itertuples():
        axis.plot(row.lost, row.shape_bias, marker=MARKERS.get(row.architecture, "D"), ms=7, ls="",
                  color=TRAINING_COLOURS[row.training], mec="white", zorder=4,
                  label=f"{LABELS[row.training]} of the paper")  # fmt: skip
        if row.training == "robust":
            left = row.lost == paper.loc[paper["training"] == "robust", "lost"].min()
            axis.annotate(row.architecture, (row.lost, row.shape_bias), (-6 if left else 6, 0),
                          ha="right" if left else "left", fontsize=6.5, color="#555555",
                          textcoords="offset points")  # fmt: skip
    axis.set_title("Published stimuli (ImageNet)", fontsize=9)
    axis.set_xlabel("accuracy lost (points)", fontsize=8)
