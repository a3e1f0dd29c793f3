"""Images and what networks make of them."""

from collections.abc import Sequence
from textwrap import fill
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from ..networks import TRAINING_COLOURS
from .drawing import nothing, panels, styled, styles_of

if TYPE_CHECKING:
    from ..datasets import ImageSet
    from ..networks import Network


@styled
def image_grid(
    images: np.ndarray,
    titles: Sequence[str],
    columns: int,
    rows: Sequence[str] = (),
    size: float = 1.1,
) -> Figure:
    """A contact sheet: images float ``(N, 3, H, W)`` in [0, 1], row by row, a title over each.

    Or over the first ones, where there are fewer titles; a line break where one is wider than an
    image. `rows` labels the rows at their left.
    """
    n = len(images)
    if not n:
        return nothing("There are no images to show.")
    figure, axes = panels(max(1, -(-n // columns)), columns, (size, size * 1.18))
    for i, axis in enumerate(axes.flat):
        axis.set_axis_off()
        if i < n:
            axis.imshow(
                np.asarray(images[i]).transpose(1, 2, 0).clip(0, 1), interpolation="nearest"
            )
        if i < min(n, len(titles)):
            title = fill(titles[i], max(8, int(18 * size)), break_long_words=False)
            axis.set_title(title, fontsize=7, pad=2)
    for axis, label in zip(axes[:, 0], rows, strict=False):
        axis.text(-0.08, 0.5, label, transform=axis.transAxes, ha="right", va="center", fontsize=8)
    return figure


@styled
def decisions(image: np.ndarray, table: pd.DataFrame, networks: "Sequence[Network]") -> Figure:
    """An image (float ``(3, H, W)``) and, beside it, the probability of each category by network.

    `table` as from ``measures.predictions.decide``.
    """
    styles = styles_of(networks, table["network"].unique())
    figure, axes = panels(1, 1 + len(styles), (2.4, 2.8))
    axes[0, 0].imshow(np.asarray(image).transpose(1, 2, 0).clip(0, 1), interpolation="nearest")
    axes[0, 0].set_axis_off()
    for axis, (name, style) in zip(axes[0, 1:], styles.items(), strict=True):
        own = table[table["network"] == name]
        axis.barh(own["category"], own["probability"], color=style["color"])
        said = own.loc[own["probability"].idxmax(), "category"] if len(own) else "nothing"
        axis.set(title=f"{name}: {said}", xlim=(0, 1), xlabel="probability")
        axis.invert_yaxis()
        axis.tick_params(axis="y", labelsize=7, length=0)
        axis.grid(axis="y", visible=False)
    return figure


@styled
def disagreements(table: pd.DataFrame, images: "ImageSet", per_pair: int = 8) -> Figure:
    """The first images of each architecture in the table of ``shape_bias.disagreements``.

    Under each image what S says (its texture) and what R says (its shape).
    """
    if table.empty:
        return nothing("There is no S/R pair, or no image that S gives to texture and R to shape.")
    first = table.groupby("architecture", sort=False).head(per_pair)
    position = pd.Series(images.table.index, index=images.table["imagename"])
    architectures = list(first["architecture"].unique())
    figure, axes = panels(len(architectures), per_pair, (1.15, 1.75))
    for axis in axes.flat:
        axis.set_axis_off()
    for i, architecture in enumerate(architectures):
        rows = first[first["architecture"] == architecture]
        loaded = images.load(list(position[rows["imagename"]])).numpy()
        axes[i, 0].set_title(architecture, loc="left", fontsize=9, fontweight="bold", pad=4)
        for axis, row, image in zip(axes[i], rows.itertuples(), loaded, strict=False):
            axis.imshow(image.transpose(1, 2, 0).clip(0, 1), interpolation="nearest")
            for line, (who, said, training) in enumerate(
                (("S", row.texture, "standard"), ("R", row.shape, "robust"))
            ):
                axis.text(0.5, -0.05 - 0.15 * line, f"{who}: {said}", transform=axis.transAxes,
                          ha="center", va="top", fontsize=7.5,
                          color=TRAINING_COLOURS[training])  # fmt: skip
    return figure
