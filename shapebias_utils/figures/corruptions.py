"""Accuracy on the corruptions of ImageNet-C: against severity, and R beside S."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import pandas as pd
from matplotlib.figure import Figure

from .cues import LINES
from .drawing import curve, nothing, panels, styled, styles_of, whiskers

if TYPE_CHECKING:
    from ..networks import Network

EMPTY = "There are no images that the networks label correctly."


@styled
def severity_curves(
    table: pd.DataFrame, networks: "Sequence[Network]", titles: Mapping[str, str], columns: int = 5
) -> Figure:
    """Accuracy with its interval against severity: a panel a corruption, a line a network.

    `table` as from ``measures.distorted.accuracy`` by `distortion` and `level`; `titles` names
    the distortions.
    """
    if table.empty:
        return nothing(EMPTY)
    styles = styles_of(networks, table["network"].unique())
    kinds = list(dict.fromkeys(table["distortion"]))
    columns = min(columns, len(kinds))
    figure, axes = panels(-(-len(kinds) // columns), columns, (1.9, 1.75), sharex=True, sharey=True)
    for axis in axes.flat[len(kinds) :]:
        axis.set_axis_off()
    lines = {}
    for axis, kind in zip(axes.flat, kinds, strict=False):
        own = table[table["distortion"] == kind]
        for name, rows in own.groupby("network", sort=False):
            rows, style = rows.sort_values("level"), styles[name]
            dash = LINES.get(rows["architecture"].iloc[0], "-")
            lines[name] = curve(
                axis, rows["level"], rows, "accuracy", style, 0.06, ls=dash, lw=1.1, ms=3.2
            )
        axis.set_title(titles.get(kind, kind), fontsize=9, pad=3)
        axis.set(ylim=(0, 1.03), xticks=sorted(own["level"].unique()))
    for axis in axes[:, 0]:
        axis.set_ylabel("accuracy")
    for axis in axes.flat[max(0, len(kinds) - columns) : len(kinds)]:
        axis.set_xlabel("severity")
        axis.tick_params(labelbottom=True)
    figure.legend(lines.values(), lines, loc="outside lower center", ncols=6, handlelength=3)
    return figure


@styled
def leads(table: pd.DataFrame, networks: "Sequence[Network]", titles: Mapping[str, str]) -> Figure:
    """R's accuracy less S's on the same images: a row a distortion, a panel an architecture.

    `table` as from ``measures.distorted.differences``, with a column `paper`, the paper's
    difference in per cent, drawn as a hollow marker where there is one.
    """
    if table.empty:
        return nothing("There is no S/R pair among these networks.")
    robust = {n.architecture: n for n in networks if n.training == "robust"}
    architectures = list(dict.fromkeys(table["architecture"]))
    places = {kind: -i for i, kind in enumerate(dict.fromkeys(table["distortion"]))}
    figure, axes = panels(
        1, len(architectures), (2.7, 0.21 * len(places) + 1.1), sharex=True, sharey=True
    )
    for axis, architecture in zip(axes[0], architectures, strict=True):
        own, network = table[table["architecture"] == architecture], robust[architecture]
        at = own["distortion"].map(places)
        axis.axvline(0, color="#555555", lw=0.9, zorder=1)
        axis.errorbar(
            own["difference"], at, xerr=whiskers(own, "difference"), color=network.colour,
            marker=network.marker, ls="", ms=5, lw=1.2, label="here",
        )  # fmt: skip
        axis.plot(
            own["paper"] / 100, at, ls="", marker="D", ms=4.5, mfc="none", mec="#333333",
            mew=0.9, label="paper, on ImageNet",
        )  # fmt: skip
        axis.set(title=architecture, xlabel="accuracy of R – accuracy of S", xlim=(-1, 1))
        axis.set_yticks(list(places.values()), [titles.get(kind, kind) for kind in places])
        axis.tick_params(axis="y", labelsize=8, length=0)
    handles, labels = axes[0, 0].get_legend_handles_labels()
    figure.legend(handles, labels, loc="outside lower center", ncols=2)
    return figure
