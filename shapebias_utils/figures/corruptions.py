"""Accuracy on the corruptions of ImageNet-C: against severity and frequency, and R beside others.

Tables have shares, figures per cent and percentage points.
"""

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
            shown = 100 * rows[["accuracy", "low", "high"]]
            lines[name] = curve(
                axis, rows["level"], shown, "accuracy", style, 0.06, ls=dash, lw=1.1, ms=3.2
            )
        axis.set_title(titles.get(kind, kind), fontsize=9, pad=3)
        axis.set(ylim=(0, 103), xticks=sorted(own["level"].unique()))
    for axis in axes[:, 0]:
        axis.set_ylabel("accuracy (%)")
    for axis in axes.flat[max(0, len(kinds) - columns) : len(kinds)]:
        axis.set_xlabel("severity")
        axis.tick_params(labelbottom=True)
    figure.legend(lines.values(), lines, loc="outside lower center", ncols=6, handlelength=3)
    return figure


@styled
def leads(table: pd.DataFrame, networks: "Sequence[Network]", titles: Mapping[str, str]) -> Figure:
    """R's accuracy less S's on the same images: a row a distortion, a panel an architecture.

    `table` as from ``tables.corruptions.gains`` over S; the paper's gain is a hollow marker.
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
        points = 100 * own[["difference", "low", "high"]]
        axis.errorbar(
            points["difference"], at, xerr=whiskers(points, "difference"), color=network.colour,
            marker=network.marker, ls="", ms=5, lw=1.2, label="here",
        )  # fmt: skip
        axis.plot(
            own["paper"], at, ls="", marker="D", ms=4.5, mfc="none", mec="#333333",
            mew=0.9, label="paper, on ImageNet",
        )  # fmt: skip
        axis.set(title=architecture, xlabel="R – S (points)", xlim=(-100, 100))
        axis.set_yticks(list(places.values()), [titles.get(kind, kind) for kind in places])
        axis.tick_params(axis="y", labelsize=8, length=0)
    handles, labels = axes[0, 0].get_legend_handles_labels()
    figure.legend(handles, labels, loc="outside lower center", ncols=2)
    return figure


@styled
def lead_heatmap(table: pd.DataFrame, order: Sequence[str], titles: Mapping[str, str]) -> Figure:
    """R's lead by corruption and severity: a column of panels an architecture, a row whom R leads.

    `table` as from ``measures.corruptions.leads``, shown in points. Rows of a panel in this
    `order`. A number is bold where its interval does not hold 0.
    """
    if table.empty:
        return nothing("There is no S/R pair among these networks.")
    architectures, rivals = (list(dict.fromkeys(table[c])) for c in ("architecture", "against"))
    kinds = [kind for kind in order if kind in set(table["distortion"])]
    columns = [(a, b) for a in architectures for b in rivals]
    figure, axes = panels(1, len(columns), (1.85, 0.22 * len(kinds) + 1.2), sharey=True)
    for axis, (architecture, rival) in zip(axes[0], columns, strict=True):
        own = table[(table["architecture"] == architecture) & (table["against"] == rival)]
        wide = own.set_index(["distortion", "level"])
        levels = sorted(own["level"].unique())
        values = 100 * wide["difference"].unstack().reindex(index=kinds, columns=levels)
        image = axis.imshow(values, cmap="RdBu", vmin=-60, vmax=60, aspect="auto")
        for (kind, level), row in wide.iterrows():
            sure, points = row["low"] > 0 or row["high"] < 0, round(100 * row["difference"])
            number = axis.text(
                levels.index(level), kinds.index(kind), f"{points}".replace("-", "–"),
                ha="center", va="center", fontsize=6.5, fontweight="bold" if sure else "normal",
                color="white" if abs(points) > 42 else "black" if sure else "#777777",
            )  # fmt: skip
            number.set_in_layout(False)  # it is inside, and layouts of hundreds of texts are slow
        axis.set_title(f"{architecture}\nR – {RIVALS.get(rival, rival)}", fontsize=9)
        axis.set_xticks(range(len(levels)), levels)
        axis.set_yticks(range(len(kinds)), [titles.get(kind, kind) for kind in kinds])
        axis.tick_params(length=0, labelsize=8)
        axis.set_xlabel("severity")
        axis.grid(visible=False)
    figure.colorbar(image, ax=axes, label="points", shrink=0.6, pad=0.01, extend="both")
    return figure


RIVALS = {"standard": "S"}
"""Whom R is held against."""


@styled
def lead_against_frequency(
    table: pd.DataFrame, correlations: pd.DataFrame, kinds: Mapping[str, str]
) -> Figure:
    """R's lead against a corruption's share of high frequencies: a panel an architecture and rival.

    `table` as from ``tables.corruptions.gains``, with the `share`; `correlations` as from
    ``corruption_spectra.gain_by_frequency``, which stand in the panels; `kinds` maps corruptions
    to their kinds, which have colours.
    """
    if table.empty:
        return nothing("There is no S/R pair among these networks.")
    architectures, rivals = (list(dict.fromkeys(table[c])) for c in ("architecture", "against"))
    figure, axes = panels(len(rivals), len(architectures), (3.4, 3.0), sharex=True, sharey=True)
    found, drawn = correlations.set_index(["architecture", "against"]), {}
    for line, rival in zip(axes, rivals, strict=True):
        for axis, architecture in zip(line, architectures, strict=True):
            own = table[(table["architecture"] == architecture) & (table["against"] == rival)]
            axis.axhline(0, color="#555555", lw=0.9, zorder=1)
            for kind, some in own.groupby(own["distortion"].map(kinds), sort=False):
                points = 100 * some[["difference", "low", "high"]]
                drawn[kind] = axis.errorbar(
                    100 * some["share"], points["difference"], whiskers(points, "difference"),
                    ls="", marker="o", ms=4.5, lw=1, color=KIND_COLOURS.get(kind, "#333333"),
                    mfc=None if kind in KIND_COLOURS else "white",
                )  # fmt: skip
            if (architecture, rival) in found.index:
                r = found.loc[(architecture, rival)]
                said = f"rank correlation {r['effect']:.2f} [{r['low']:.2f}, {r['high']:.2f}]"
                axis.text(0.02, 0.98, said, transform=axis.transAxes, va="top", fontsize=8)
            axis.set_title(architecture)
        line[0].set_ylabel(f"R – {RIVALS.get(rival, rival)} (points)")
    for axis in axes[-1]:
        axis.set_xlabel("energy of the change above ¼ cycle a pixel (%)")
    figure.legend(drawn.values(), drawn, loc="outside lower center", ncols=len(drawn))
    return figure


KIND_COLOURS = {
    "noise": "#7a3e9d", "blur": "#1b9e77", "weather": "#c0392b", "digital": "#b8860b",
}  # fmt: skip
"""ImageNet-C's kinds of corruptions; its extra ones are hollow."""
