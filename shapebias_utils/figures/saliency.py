"""Saliency maps, where they lie, and accuracy where texture or shape is taken from images."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from .drawing import curve, nothing, panels, styled, styles_of, whiskers

if TYPE_CHECKING:
    from ..networks import Network


@styled
def saliency_grid(
    table: pd.DataFrame,
    images: np.ndarray,
    maps: np.ndarray,
    networks: "Sequence[Network]",
    size: float = 1.05,
) -> Figure:
    """Images and, beside each, the map of every network: dark where its output hangs on a pixel.

    `table` has a row for each of `maps` (``(N, H, W)`` in [0, 1]) and of `images` (``(N, 3, H,
    W)``): `network`, `imagename`, `title`. A row of panels an image and title.
    """
    if table.empty:
        return nothing("There is no image that all of these networks label correctly.")
    shown = [n for n in networks if n.name in set(table["network"])]
    lines = list(dict.fromkeys(zip(table["imagename"], table["title"], strict=True)))
    figure, axes = panels(len(lines), 1 + len(shown), (size, size))
    figure.get_layout_engine().set(w_pad=0.02, h_pad=0.02, wspace=0, hspace=0)
    place = {n.name: 1 + i for i, n in enumerate(shown)}
    for axis in axes.flat:
        axis.set(xticks=[], yticks=[])
        axis.grid(visible=False)
        axis.spines[:].set(visible=True, color="#cccccc", lw=0.5)
    for i, row in enumerate(table.itertuples()):
        line = axes[lines.index((row.imagename, row.title))]
        line[0].imshow(images[i].transpose(1, 2, 0).clip(0, 1), interpolation="nearest")
        line[0].set_ylabel(row.title, fontsize=8)
        line[place[row.network]].imshow(maps[i], cmap="Greys", vmin=0, vmax=1,
                                        interpolation="nearest")  # fmt: skip
    for network in shown:
        axes[0, place[network.name]].set_title(network.name, color=network.colour, fontsize=8)
    return figure


@styled
def mask_scores(
    table: pd.DataFrame, networks: "Sequence[Network]", titles: Mapping[str, str]
) -> Figure:
    """Saliency per pixel of each region, against an even spread: a panel an architecture.

    `table` as from ``statistics.levels``; `titles` maps its quantities, in their order, to what
    they are called. The dotted line is an even spread. Logarithmic, so that half and twice are
    equally far from it.
    """
    table = table[table["quantity"].isin(titles)]
    if table.empty:
        return nothing("This dataset has no exact masks to score saliency by.")
    styles = styles_of(networks, table["network"].unique())
    architectures = list(dict.fromkeys(table["architecture"]))
    places = {quantity: -i for i, quantity in enumerate(titles)}
    size = (3.0, 0.5 * len(places) + 1.3)
    figure, axes = panels(1, len(architectures), size, sharex=True, sharey=True)
    handles = {}
    for axis, architecture in zip(axes[0], architectures, strict=True):
        own = table[table["architecture"] == architecture]
        count = own["network"].nunique()
        for i, (name, rows) in enumerate(own.groupby("network", sort=False)):
            at = rows["quantity"].map(places) + min(0.16, 0.8 / count) * ((count - 1) / 2 - i)
            training = rows["training"].iloc[0]
            handles[training] = axis.errorbar(
                rows["value"], at, xerr=whiskers(rows, "value"), ls="", ms=4, **styles[name]
            )
        axis.axvline(1, color="#4d4d4d", lw=0.8, ls=":")
        axis.set(title=architecture, xscale="log", xlabel="share of saliency / share of area")
        axis.set_yticks(list(places.values()), list(titles.values()))
        _plain_ticks(axis, own)
    figure.legend(handles.values(), handles, loc="outside lower center", ncols=len(handles))
    return figure


def _plain_ticks(axis, rows: pd.DataFrame) -> None:
    """Ticks that can be read, on a logarithmic axis."""
    steps = np.array([0.125, 0.25, 0.5, 1, 2, 4, 8])
    low, high = rows["low"].clip(lower=0.1).min(), rows["high"].max()
    ticks = steps[(steps > low / 2) & (steps < high * 2)]
    axis.set_xticks(ticks, [f"{t:g}" for t in ticks])
    axis.set_xticks([], minor=True)


@styled
def transformed_accuracy(
    table: pd.DataFrame,
    networks: "Sequence[Network]",
    axes_of: Mapping[str, str],
    chance: float,
) -> Figure:
    """Accuracy with its interval against the level: a row an architecture, a column a family.

    `table` as from ``transformed.curves``, of one measure; `axes_of` maps the families to be shown
    to what their levels are; those of one level make no curve and are left out. Levels are evenly
    spaced, as they stand in the table. The dotted line is chance.
    """
    several = table.groupby("family")["level"].transform("nunique") > 1
    table = table[several & table["family"].isin(axes_of)]
    if table.empty:
        return nothing("There are no accuracies to show.")
    styles = styles_of(networks, table["network"].unique())
    families = [f for f in axes_of if f in set(table["family"])]
    architectures = list(dict.fromkeys(table["architecture"]))
    figure, axes = panels(len(architectures), len(families), (2.35, 2.1), sharex="col", sharey=True)
    handles = {}
    for line, architecture in zip(axes, architectures, strict=True):
        for axis, family in zip(line, families, strict=True):
            known = table[table["family"] == family]
            places = {level: i for i, level in enumerate(dict.fromkeys(known["level"]))}
            own = known[known["architecture"] == architecture]
            for name, rows in own.groupby("network", sort=False):
                at = rows["level"].map(places)
                training = rows["training"].iloc[0]
                handles[training] = curve(axis, at, rows, "value", styles[name], ms=3.5, lw=1.2)
            axis.axhline(chance, color="#4d4d4d", lw=0.8, ls=":")
            axis.set_xticks(list(places.values()), [f"{level:g}" for level in places])
            axis.set_ylim(0, 1.02)
        line[0].set_ylabel(f"{architecture}\naccuracy")
    for axis, family in zip(axes[0], families, strict=True):
        axis.set_title(family)
    for axis, family in zip(axes[-1], families, strict=True):
        axis.set_xlabel(axes_of[family])
    figure.legend(handles.values(), handles, loc="outside lower center", ncols=len(handles))
    return figure
