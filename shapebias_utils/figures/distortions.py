"""Accuracy on distorted images, and what S and R say about some of them."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import pandas as pd
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from ..networks import TRAINING_COLOURS
from .drawing import curve, nothing, panels, styled, styles_of, whiskers

if TYPE_CHECKING:
    import numpy as np

    from ..networks import Network


@styled
def accuracy_against_level(
    table: pd.DataFrame, networks: "Sequence[Network]", axis_label: str
) -> Figure:
    """Accuracy with its interval against the level of a distortion, one panel an architecture.

    `table` as from ``measures.distorted.accuracy``, by `level`. Levels are evenly spaced, the
    mildest first, as they stand in the table.
    """
    if table.empty:
        return nothing("There are no images that S and R of a pair both label correctly.")
    architectures = list(dict.fromkeys(table["architecture"]))
    styles = styles_of(networks, table["network"].unique())
    places = {level: i for i, level in enumerate(dict.fromkeys(table["level"]))}
    figure, axes = panels(1, len(architectures), (3.1, 2.9), sharey=True)
    for axis, architecture in zip(axes[0], architectures, strict=True):
        own = table[table["architecture"] == architecture]
        for name, rows in own.groupby("network", sort=False):
            at = rows["level"].map(places)
            curve(axis, at, rows, "accuracy", styles[name], ms=4, label=name)
        axis.set_xticks(list(places.values()), [f"{level:g}" for level in places])
        axis.set(title=architecture, xlabel=axis_label, ylim=(0, 1.02))
        axis.legend()
    axes[0, 0].set_ylabel("accuracy")
    return figure


@styled
def scrambled(table: pd.DataFrame, networks: "Sequence[Network]", axis_label: str) -> Figure:
    """Accuracy against the level of a distortion: a row a `subset`, a column an architecture.

    `table` as from ``measures.distorted.accuracy`` by `subset` and `level`, the mildest first.
    """
    if table.empty:
        return nothing("There are no images to distort.")
    architectures, subsets = (list(dict.fromkeys(table[c])) for c in ("architecture", "subset"))
    styles = styles_of(networks, table["network"].unique())
    places = {level: i for i, level in enumerate(dict.fromkeys(table["level"]))}
    size = (3.1, 2.9 if len(subsets) == 1 else 2.2)
    figure, axes = panels(len(subsets), len(architectures), size, sharey=True, sharex=True)
    for line, subset in zip(axes, subsets, strict=True):
        for axis, architecture in zip(line, architectures, strict=True):
            own = table[(table["architecture"] == architecture) & (table["subset"] == subset)]
            for name, rows in own.groupby("network", sort=False):
                at = rows["level"].map(places)
                curve(axis, at, rows, "accuracy", styles[name], ms=4, label=name)
            axis.set_xticks(list(places.values()), [f"{level:g}" for level in places])
            axis.set(ylim=(0, 1.02))
        line[0].set_ylabel(f"accuracy, {subset}")
    for axis, architecture in zip(axes[0], architectures, strict=True):
        axis.set_title(architecture)
        axis.legend(fontsize=7)
    for axis in axes[-1]:
        axis.set_xlabel(axis_label)
    return figure


@styled
def contrast(table: pd.DataFrame, networks: "Sequence[Network]", chance: float) -> Figure:
    """Accuracy against the contrast of silhouettes: a row a polarity, a column an architecture.

    `table` as from ``measures.distorted.by_contrast``. The dotted line is chance; the dashed one
    the dataset's own contrast, where it is known.
    """
    if table.empty:
        return nothing("There are no silhouettes of these images.")
    architectures, kinds = (list(dict.fromkeys(table[c])) for c in ("architecture", "polarity"))
    styles = styles_of(networks, table["network"].unique())
    own_contrast = table.query("polarity == 'own colours' and level == 1")["contrast"]
    figure, axes = panels(len(kinds), len(architectures), (3.1, 1.9), sharex=True, sharey=True)
    for line, kind in zip(axes, kinds, strict=True):
        for axis, architecture in zip(line, architectures, strict=True):
            own = table[(table["architecture"] == architecture) & (table["polarity"] == kind)]
            for name, rows in own.groupby("network", sort=False):
                rows = rows.sort_values("contrast")
                curve(axis, rows["contrast"], rows, "accuracy", styles[name], ms=4, label=name)
            axis.axhline(chance, color="#888888", lw=0.8, ls=":")
            for level in own_contrast.unique()[:1]:
                axis.axvline(level, color="#888888", lw=0.8, ls="--")
        line[0].set_ylabel(f"accuracy,\n{kind}")
    for axis, architecture in zip(axes[0], architectures, strict=True):
        axis.set(title=architecture, ylim=(0, 1.02), xlim=(0, 1.02))
    for axis in axes[-1]:
        axis.set_xlabel("contrast of the silhouette (RMS)")
    shown = {n.training: n for n in networks if n.name in styles}
    handles = [Line2D([], [], color=n.colour) for n in shown.values()]
    figure.legend(handles, shown, loc="outside lower center", ncols=len(handles))
    return figure


@styled
def what_is_said(examples: pd.DataFrame, images: "np.ndarray", axis_label: str) -> Figure:
    """Distorted images and, under each, what S and R say and how surely; bold where it is right.

    `examples` as from ``measures.distorted.examples``, a row an image of `images` (float
    ``(N, 3, H, W)``), from that module's `pictures`. A row of panels an architecture.
    """
    if examples.empty:
        return nothing("There is no image that only S labels correctly when it is distorted.")
    architectures = list(dict.fromkeys(examples["architecture"]))
    columns = examples.groupby("architecture").size().max()
    figure, axes = panels(len(architectures), columns, (1.35, 1.95))
    for axis in axes.flat:
        axis.set_axis_off()
    for line, architecture in zip(axes, architectures, strict=True):
        chosen = (examples["architecture"] == architecture).to_numpy()
        rows = examples[chosen].itertuples()
        for axis, row, image in zip(line, rows, images[chosen], strict=False):
            axis.imshow(image.transpose(1, 2, 0).clip(0, 1), interpolation="nearest")
            real = row.distortion == "real"
            title = row.category if real else f"{axis_label} = {row.level:g}"
            axis.set_title(title, fontsize=8, pad=3, fontweight="bold" if real else "normal")
            for place, training in enumerate(("standard", "robust")):
                said = getattr(row, f"said_{training}")
                confidence = getattr(row, f"confidence_{training}")
                axis.text(
                    0.5, -0.05 - 0.14 * place, f"{'SR'[place]}: {said} {confidence:.2f}",
                    transform=axis.transAxes, ha="center", va="top", fontsize=7.5,
                    fontweight="bold" if said == row.category else "normal",
                    color=TRAINING_COLOURS[training],
                )  # fmt: skip
        line[0].text(
            -0.1, 0.5, architecture, transform=line[0].transAxes, rotation=90, ha="right",
            va="center", fontsize=9, fontweight="bold",
        )  # fmt: skip
    return figure


@styled
def cues_alone(
    table: pd.DataFrame, networks: "Sequence[Network]", titles: Mapping[str, str], chance: float
) -> Figure:
    """Accuracy with its interval for each rendition: a panel an architecture, a row a rendition.

    `table` as from ``measures.distorted.cues_alone``; `titles` names its renditions, those of one
    group together. The dotted line is chance.
    """
    if table["rendition"].nunique() < 2:  # as they are, and no other
        return nothing("This dataset cannot draw one cue without the others.")
    styles = styles_of(networks, table["network"].unique())
    architectures = list(dict.fromkeys(table["architecture"]))
    places = {kind: -i for i, kind in enumerate(dict.fromkeys(table["rendition"]))}
    size = (2.7, 0.3 * len(places) + 1.0)
    figure, axes = panels(1, len(architectures), size, sharex=True, sharey=True)
    for axis, architecture in zip(axes[0], architectures, strict=True):
        own = table[table["architecture"] == architecture]
        for i, (name, rows) in enumerate(own.groupby("network", sort=False)):
            at = rows["rendition"].map(places) + 0.2 * (1 - i)
            axis.errorbar(rows["accuracy"], at, xerr=whiskers(rows, "accuracy"), ls="", ms=5,
                          label=name, **styles[name])  # fmt: skip
        axis.axvline(chance, color="#888888", lw=0.8, ls=":")
        axis.set_yticks(list(places.values()), [titles.get(kind, kind) for kind in places])
        axis.set(title=architecture, xlabel="accuracy", xlim=(0, 1.02))
    handles = {}
    for axis in axes[0]:
        handles |= dict(zip(*reversed(axis.get_legend_handles_labels()), strict=True))
    figure.legend(handles.values(), handles, loc="outside lower center", ncols=len(architectures))
    return figure
