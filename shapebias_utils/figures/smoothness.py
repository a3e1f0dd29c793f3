"""Smoothness: filters as images, and total variation and power by layer and by frequency."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import matplotlib as mpl
import numpy as np
import pandas as pd
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from .drawing import curve, nothing, panels, styled, styles_of, whiskers

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.axis import Axis

    from ..networks import Network


def _as_image(kernel: np.ndarray) -> np.ndarray:
    """A filter ``(3, h, w)`` as an RGB image: 0 is mid-grey, its largest weight black or white."""
    most = np.abs(kernel).max() or 1.0
    return (0.5 + kernel / (2 * most)).transpose(1, 2, 0)


def _tiled(kernels: Sequence[np.ndarray], columns: int) -> np.ndarray:
    """The filters as one image, row by row, with a white pixel between them."""
    height, width = kernels[0].shape[1:]
    rows = -(-len(kernels) // columns)
    tiles = np.ones((rows * (height + 1) - 1, columns * (width + 1) - 1, 3))
    for i, kernel in enumerate(kernels):
        y, x = (i // columns) * (height + 1), (i % columns) * (width + 1)
        tiles[y : y + height, x : x + width] = _as_image(kernel)
    return tiles


@styled
def filter_banks(banks: Mapping[str, np.ndarray], networks: "Sequence[Network]") -> Figure:
    """The filters of the first convolutions, a panel a network, a row of panels an architecture.

    `banks` maps networks' names to RGB filters ``(n, 3, h, w)``, as from ``filter_bank``.
    Each filter on its own scale, 0 being mid-grey. Filters of one number stand in one place.
    """
    shown = [n for n in networks if n.name in banks]
    if not shown:
        return nothing("There are no filters over colours to show.")
    rows = {n.architecture: [m for m in shown if m.architecture == n.architecture] for n in shown}
    most = max(map(len, rows.values()))
    figure, axes = panels(len(rows), most, (min(3.1, 9.3 / most), 2.35))
    figure.get_layout_engine().set(wspace=0.05)
    for axis in axes.flat:
        axis.set_axis_off()
    for line, own in zip(axes, rows.values(), strict=True):
        for axis, network in zip(line, own, strict=False):
            bank = banks[network.name]
            axis.imshow(_tiled(bank, round((1.5 * len(bank)) ** 0.5)), interpolation="nearest")
            axis.set_title(network.name, color=network.colour, fontweight="bold")
    return figure


@styled
def matched_filters(
    matches: pd.DataFrame, banks: Mapping[str, np.ndarray], per_row: int = 12
) -> Figure:
    """Filters of S above, the matched ones of R below; over each pair r and the difference in TV.

    `matches` as from ``with_tv``, of first convolutions, in the order to be shown; `banks`
    as for :func:`filter_banks`.
    """
    if matches.empty:
        return nothing("There is no S/R pair whose filters could be matched.")
    lines = []
    for names, own in matches.groupby(["network", "other"], sort=False):
        parts = [own.iloc[i : i + per_row] for i in range(0, len(own), per_row)]
        lines += [(*names, part) for part in parts]
    figure, axes = panels(len(lines), per_row, (0.85, 1.75))
    for axis in axes.flat:
        axis.set_axis_off()
    for line, (first, second, part) in zip(axes, lines, strict=True):
        for axis, row in zip(line, part.itertuples(), strict=False):
            pair = [banks[first][row.filter], banks[second][row.match]]
            axis.imshow(_tiled(pair, 1), interpolation="nearest")
            axis.set_title(f"{row.filter}: r {row.r:.2f}\n{row.difference:+.1f}", fontsize=7)
        for y, name in ((0.75, first), (0.25, second)):
            line[0].text(-0.1, y, name, transform=line[0].transAxes, rotation=90,
                         ha="right", va="center", fontsize=7)  # fmt: skip
    return figure


@styled
def by_layer(tables: Mapping[str, pd.DataFrame], networks: "Sequence[Network]") -> Figure:
    """Values with their intervals from layer to layer: a row a table, a column an architecture.

    `tables` maps labels of values to tables with the observer, `layer`, `value`, `low`, `high`.
    Where a table has quantiles too (`least`, `lower`, `median`, `upper`, `most`), these are drawn
    in place of the interval, on a logarithmic axis: a box with a line to either end.
    """
    tables = {label: table for label, table in tables.items() if len(table)}
    if not tables:
        return nothing("No network has layers to compare.")
    architectures = list(dict.fromkeys(a for t in tables.values() for a in t["architecture"]))
    height = 2.6 if len(tables) > 1 else 3.2  # the names of the layers take much of one row
    figure, axes = panels(len(tables), len(architectures), (3.2, height), sharex="col")
    for line, (label, table) in zip(axes, tables.items(), strict=True):
        styles = styles_of(networks, table["network"].unique())
        for axis, architecture in zip(line, architectures, strict=True):
            own = table[table["architecture"] == architecture]
            place = {layer: i for i, layer in enumerate(dict.fromkeys(own["layer"]))}
            if "median" in own:
                _boxes(axis, own, place, styles)
            else:
                for name, rows in own.groupby("network", sort=False):
                    axis.errorbar(rows["layer"].map(place), rows["value"], whiskers(rows, "value"),
                                  ms=4, lw=1.2, capsize=2, **styles[name])  # fmt: skip
            axis.set_xticks(list(place.values()), place, rotation=90)
            axis.set_title(architecture)
        line[0].set_ylabel(label)
    for axis in axes[-1]:
        axis.set_xlabel("layer")
    _legend(figure, networks, pd.concat(tables.values()))
    return figure


def _boxes(axis: "Axes", rows: pd.DataFrame, place: Mapping[str, int], styles: dict) -> None:
    """Quantiles of channels, the networks of a layer side by side."""
    names = list(dict.fromkeys(rows["network"]))
    for i, name in enumerate(names):
        own, colour = rows[rows["network"] == name], styles[name]["color"]
        x = own["layer"].map(place) + 0.7 * ((i + 0.5) / len(names) - 0.5)
        axis.vlines(x, own["least"], own["most"], colors=colour, lw=0.8)
        axis.vlines(x, own["lower"], own["upper"], colors=colour, lw=4, alpha=0.55)
        axis.plot(x, own["median"], ls="", marker="_", ms=5, mew=1.5, color=colour)
    axis.set_yscale("log")
    _plain_ticks(axis.yaxis)


def _legend(figure: Figure, networks: "Sequence[Network]", table: pd.DataFrame) -> None:
    """One legend for all panels: S, R and control, whose colours are the same in each."""
    styles = styles_of(networks, table["network"].unique())
    kinds = table.drop_duplicates("training")
    handles = []
    for row in kinds.itertuples():
        label = LETTERS.get(row.training, row.training)
        handles.append(Line2D([], [], color=styles[row.network]["color"], lw=3, label=label))
    figure.legend(handles=handles, loc="outside lower center", ncols=len(handles))


LETTERS = {"standard": "S", "robust": "R"}
"""What trainings are called where the architecture is said already."""


@styled
def over_levels(tables: Mapping[str, pd.DataFrame], networks: "Sequence[Network]") -> Figure:
    """Values with their intervals over the strength of noise: a row a table, a column an
    architecture.

    `tables` maps labels of values to tables with the observer, `deviation`, `value`, `low`, `high`.
    Both axes are logarithmic; a row has one scale.
    """
    tables = {label: table for label, table in tables.items() if len(table)}
    if not tables:
        return nothing("No network has layers to compare.")
    architectures = list(dict.fromkeys(a for t in tables.values() for a in t["architecture"]))
    figure, axes = panels(len(tables), len(architectures), (3.1, 2.3), sharex=True, sharey="row")
    for line, (label, table) in zip(axes, tables.items(), strict=True):
        styles = styles_of(networks, table["network"].unique())
        for axis, architecture in zip(line, architectures, strict=True):
            own = table[table["architecture"] == architecture]
            for name, rows in own.groupby("network", sort=False):
                curve(axis, rows["deviation"], rows, "value", styles[name], ms=4, lw=1.2)
            axis.set(title=architecture, xscale="log", yscale="log")
            levels = sorted(own["deviation"].unique())
            axis.set_xticks(levels, [f"{x:g}" for x in levels])
            axis.xaxis.set_minor_locator(mpl.ticker.NullLocator())
            _plain_ticks(axis.yaxis)
        line[0].set_ylabel(label)
    for axis in axes[-1]:
        axis.set_xlabel("deviation of the noise (pixels in [0, 1])")
    _legend(figure, networks, pd.concat(tables.values()))
    return figure


def _plain_ticks(side: "Axis", subs: Sequence[int] = (1, 2, 5)) -> None:
    """1, 2, 5, 10, ... on a logarithmic axis, written out."""
    side.set_major_locator(mpl.ticker.LogLocator(subs=subs))
    side.set_major_formatter("{x:g}")
    side.set_minor_locator(mpl.ticker.NullLocator())


@styled
def activation_tv(table: pd.DataFrame, networks: "Sequence[Network]", columns: int = 5) -> Figure:
    """Each channel's total variation on noisy against clean images: a row a training, S first.

    `table` as from ``clean_and_noisy``. A column a layer of an architecture, at most so many
    `columns`, from the first to the last in even steps. Within a column all panels have the same
    two axes, which are equal: on the diagonal noise changes nothing. Logarithmic; channels without
    any variation are left out.
    """
    shown = table[(table["clean"] > 0) & (table["noisy"] > 0)]
    if shown.empty:
        return nothing("No network has channels with variation to compare.")
    known = list(dict.fromkeys(zip(shown["architecture"], shown["layer"], strict=True)))
    even = np.linspace(0, len(known) - 1, min(columns, len(known))).round().astype(int)
    trainings = list(dict.fromkeys(shown["training"]))
    styles = styles_of(networks, shown["network"].unique())
    figure, axes = panels(len(trainings), len(even), (2.15, 2.05), sharex="col", sharey="col")
    for column, (architecture, layer) in zip(axes.T, [known[i] for i in even], strict=True):
        own = shown[(shown["architecture"] == architecture) & (shown["layer"] == layer)]
        ends = own[["clean", "noisy"]].to_numpy()
        ends = ends.min() / 1.3, ends.max() * 1.3
        for axis, training in zip(column, trainings, strict=True):
            axis.plot(ends, ends, color="#4d4d4d", lw=0.8, zorder=1)
            for name, channels in own[own["training"] == training].groupby("network", sort=False):
                axis.scatter(channels["clean"], channels["noisy"], s=14, alpha=0.65, lw=0,
                             label=name, **styles[name])  # fmt: skip
                axis.text(0.98, 0.03, name, transform=axis.transAxes, ha="right", fontsize=8,
                          color=styles[name]["color"], fontweight="bold")  # fmt: skip
            axis.set(xscale="log", yscale="log", xlim=ends, ylim=ends, aspect="equal")
            for side in (axis.xaxis, axis.yaxis):
                _plain_ticks(side, (1, 3) if ends[1] < 100 * ends[0] else (1,))
        column[0].set_title(layer)
        column[-1].set_xlabel("TV, clean images")
    for axis in axes[:, 0]:
        axis.set_ylabel("TV, noisy images")
    return figure


@styled
def spectra(tables: Mapping[str, pd.DataFrame], networks: "Sequence[Network]") -> Figure:
    """Mean power against spatial frequency, with its interval: a row a table, a column an
    architecture.

    `tables` maps what is shown to tables as from ``spectra.filter_spectra`` or
    ``spectra.gradient_spectrum``. The dotted line is white noise.
    """
    tables = {what: table for what, table in tables.items() if len(table)}
    if not tables:
        return nothing("There are no spectra to show.")
    architectures = list(dict.fromkeys(a for t in tables.values() for a in t["architecture"]))
    figure, axes = panels(len(tables), len(architectures), (3.1, 2.6), sharex=True,
                          sharey="row")  # fmt: skip
    for line, (what, table) in zip(axes, tables.items(), strict=True):
        styles = styles_of(networks, table["network"].unique())
        for axis, architecture in zip(line, architectures, strict=True):
            own = table[(table["architecture"] == architecture) & (table["frequency"] <= 0.5)]
            axis.axhline(1, color="#4d4d4d", ls=":", lw=0.8)
            for name, rows in own.groupby("network", sort=False):
                colour = {"color": styles[name]["color"]}
                curve(axis, rows["frequency"], rows, "value", colour, lw=1.2, label=name)
            axis.set(title=architecture, yscale="log", xlim=(0, 0.5))
            axis.legend(fontsize=7)
        line[0].set_ylabel(f"power of the {what}\n(mean over frequencies = 1)")
    for axis in axes[-1]:
        axis.set_xlabel("cycles a pixel")
    return figure
