"""The images that channels prefer, in grids."""

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
from matplotlib.figure import Figure
from PIL import Image

from .drawing import nothing, panels, styled

if TYPE_CHECKING:
    from ..datasets import ImageSet

TILE, GAP = 64, 3  # pixels of an image in the grid, and between two


@styled
def preferred_images(
    table: pd.DataFrame, images: "ImageSet", columns: int = 7, across: int = 5, by: str = ""
) -> Figure:
    """A grid of images for each `title` in the table, `columns` wide; `across` grids in a row.

    `table` as from ``measures.preferred_images``, of the channels to be shown, each with a `title`
    of its own; rank 1 is at the top left. With `by`, each value of that column (network) begins a
    row of its own.
    """
    if table.empty:
        return nothing("There is no channel to show the preferred images of.")
    groups = list(table.groupby("title", sort=False))
    position = pd.Series(images.table.index, index=images.table["imagename"])
    kinds = [own[by].iloc[0] if by else "" for _, own in groups]
    across = min(across, max(kinds.count(kind) for kind in kinds))
    lines = [[g for g, own in zip(groups, kinds, strict=True) if own == kind]
             for kind in dict.fromkeys(kinds)]  # fmt: skip
    lines = [own[i : i + across] for own in lines for i in range(0, len(own), across)]
    rows = len(lines)
    height = -(-max(len(own) for _, own in groups) // columns) / columns
    figure, axes = panels(rows, across, (2.1, 2.1 * height + 0.25))
    for axis in axes.flat:
        axis.set_axis_off()
    placed = [(axes[i, j], group) for i, own in enumerate(lines) for j, group in enumerate(own)]
    for axis, (title, own) in placed:
        own = own.sort_values("rank")
        loaded = images.load(list(position[own["imagename"]])).numpy()
        axis.imshow(_mosaic([_tile(image) for image in loaded], columns))
        axis.set_title(title, fontsize=8, pad=3)
    return figure


def _tile(image: np.ndarray) -> np.ndarray:
    """Uint8 ``(TILE, TILE, 3)``; small images keep their pixels, each a block."""
    pixels = Image.fromarray(np.rint(255 * image.clip(0, 1)).astype(np.uint8).transpose(1, 2, 0))
    small = max(pixels.size) <= TILE
    how = Image.Resampling.NEAREST if small else Image.Resampling.BILINEAR
    return np.asarray(pixels.resize((TILE, TILE), how))


def _mosaic(tiles: list[np.ndarray], columns: int) -> np.ndarray:
    step = TILE + GAP
    rows = -(-len(tiles) // columns)
    grid = np.full((rows * step - GAP, columns * step - GAP, 3), 255, np.uint8)
    for i, tile in enumerate(tiles):
        top, left = step * (i // columns), step * (i % columns)
        grid[top : top + TILE, left : left + TILE] = tile
    return grid
