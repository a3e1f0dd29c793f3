"""Smoothness: filters as images, and total variation and power by layer and by frequency."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import matplotlib as mpl
import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from .drawing import curve, nothing, panels, styled, styles_of, whiskers

if TYPE_CHECKING:
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
            for name, rows in own.groupby("network", sort=False):
                axis.errorbar(rows["layer"].map(place), rows["value"], whiskers(rows, "value"),
                              label=name, ms=4, lw=1.2, capsize=2, **styles[name])  # fmt: skip
            axis.set_xticks(list(place.values()), place, rotation=90)
            axis.set_title(architecture)
            axis.legend(fontsize=7)
        line[0].set_ylabel(label)
    for axis in axes[-1]:
        axis.set_xlabel("layer")
    return figure


@styled
def activation_tv(table: pd.DataFrame, networks: "Sequence[Network]", columns: int = 5) -> Figure:
    """Each channel's total variation on noisy against clean images: a row an architecture.

    `table` as from ``clean_and_noisy``. A panel a layer, at most so many `columns`, from
    the first to the last in even steps. On the diagonal noise changes nothing. Logarithmic;
    channels without any variation are left out.
    """
    shown = table[(table["clean"] > 0) & (table["noisy"] > 0)]
    if shown.empty:
        return nothing("No network has channels with variation to compare.")
    rows = {
        a: _thinned(own["layer"], columns) for a, own in shown.groupby("architecture", sort=False)
    }
    styles = styles_of(networks, shown["network"].unique())
    figure, axes = panels(len(rows), max(map(len, rows.values())), (2.3, 2.3))
    for axis in axes.flat:
        axis.set_axis_off()
    for line, (architecture, layers) in zip(axes, rows.items(), strict=True):
        for axis, layer in zip(line, layers, strict=False):
            own = shown[(shown["architecture"] == architecture) & (shown["layer"] == layer)]
            axis.set_axis_on()
            for name, channels in own.groupby("network", sort=False):
                axis.scatter(channels["clean"], channels["noisy"], s=12, alpha=0.6, lw=0,
                             label=name, **styles[name])  # fmt: skip
            axis.set(title=layer, xscale="log", yscale="log")
            middle = own["clean"].median()
            axis.axline([middle] * 2, [2 * middle] * 2, color="#4d4d4d", lw=0.8, zorder=1)
            for side in (axis.xaxis, axis.yaxis):
                side.set_major_locator(mpl.ticker.LogLocator(subs=(1, 3)))
                side.set_major_formatter("{x:g}")
                side.set_minor_locator(mpl.ticker.NullLocator())
        line[0].set_ylabel("TV, noisy images")
        line[0].legend(fontsize=7, handletextpad=0.1, loc="upper left")
    for axis in axes[-1]:
        axis.set_xlabel("TV, clean images")
    return figure


def _thinned(layers: pd.Series, most: int) -> list[str]:
    """At most so many of the layers, from the first to the last in even steps."""
    known = list(dict.fromkeys(layers))
    return [
        known[i] for i in np.linspace(0, len(known) - 1, min(most, len(known))).round().astype(int)
    ]


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
