"""The images that each channel of the probed layers prefers (Fig. 10)."""

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from ...datasets import ImageSet
from ...distributed import merge, shard
from ...networks import Network
from ..stream import activations

if TYPE_CHECKING:
    from torch import Tensor

VERSION = 1

POSITIONS = ("centre", "maximum")


def preferred_images(
    network: Network,
    images: ImageSet,
    *,
    k: int = 49,
    position: str = "centre",
    batch_size: int = 64,
) -> pd.DataFrame:
    """The `k` images with the highest activation of each channel of the probed layers.

    Of the unit at the "centre" of the map (row H // 2, column W // 2; the paper's Fig. 10), or at
    the map's "maximum". Columns `layer`, `unit` (the channel), `rank` (from 1), `imagename`,
    `activation`, `row` and `column` (in the map; the first of several maxima). Of images with the
    same activation the first by name goes first. One pass, whose memory does not grow with the
    number of images; sharded over processes, the same table for any number of them and any order
    of the images. ValueError for a `k` below 1 or another `position`.
    """
    if k < 1:
        raise ValueError(f"k = {k}: ask for at least one image a channel")
    if position not in POSITIONS:
        raise ValueError(f"unknown position {position!r}; choose {' or '.join(POSITIONS)}")
    by_name = np.argsort(images.table["imagename"].to_numpy(str), kind="stable")
    rank_of = np.argsort(by_name)  # of a row among the names
    best: dict[str, np.ndarray] = {}
    for rows, maps in activations(network, images, shard(by_name), batch_size=batch_size):
        for layer, values in maps.items():
            best[layer] = _updated(best.get(layer), values, rank_of[rows], position, k)
    table = _merged(best, list(network.layers), len(images))
    table["rank"] = 1 + table.groupby(["layer", "unit"]).cumcount()
    table = table[table["rank"] <= k].reset_index(drop=True)
    names = images.table["imagename"].to_numpy()[by_name]
    return pd.DataFrame(
        {
            "layer": np.array(list(network.layers), object)[table["layer"].to_numpy(int)],
            "unit": table["unit"].astype(int),
            "rank": table["rank"].astype(int),
            "imagename": names[table["image"].to_numpy(int)],
            "activation": table["activation"].astype(float),
            "row": table["row"].astype(int),
            "column": table["column"].astype(int),
        }
    )


def _updated(
    best: np.ndarray | None, values: "Tensor", images: np.ndarray, position: str, k: int
) -> np.ndarray:
    """The `k` best so far, float64 ``(4, <= k, C)``: activation, rank of the image, row, column.

    Images must come by name: the sort is stable, so that of equals the first by name stays first.
    """
    height, width = values.shape[2:]
    centre = position == "centre"
    highest = values[:, :, height // 2, width // 2] if centre else values.amax((2, 3))
    new = np.zeros((4, *highest.shape))
    new[0], new[1] = highest.cpu().numpy(), images[:, None]
    new[2:] = np.array([height // 2, width // 2])[:, None, None]
    both = new if best is None else np.concatenate([best, new], 1)
    first = np.argsort(-both[0], axis=0, kind="stable")[:k]
    chosen = np.take_along_axis(both, first[None], 1)
    if not centre:  # found only for those that are among the best: to look everywhere is slow
        old = both.shape[1] - new.shape[1]
        entered, units = np.nonzero(first >= old)
        maps = values[first[entered, units] - old, units].cpu().numpy()
        place = maps.reshape(len(maps), height * width).argmax(1)  # the first of several
        chosen[2:, entered, units] = place // width, place % width
    return chosen


def _merged(best: dict[str, np.ndarray], layers: list[str], n_images: int) -> pd.DataFrame:
    """The best of all ranks: a row an entry, by layer (number), unit, activation."""
    columns = ["activation", "image", "row", "column", "layer", "unit"]
    tables = [np.empty((0, len(columns)))]
    for layer, found in best.items():
        about = np.empty((2, *found.shape[1:]))
        about[0], about[1] = layers.index(layer), np.arange(found.shape[2])
        tables.append(np.concatenate([found, about]).reshape(len(columns), -1).T)
    mine = pd.DataFrame(np.concatenate(tables), columns=columns)
    mine["key"] = (mine["layer"] * 1e5 + mine["unit"]) * n_images + mine["image"]
    by = ["layer", "unit", "activation", "image"]
    return merge(mine, by="key").sort_values(by, ascending=[True, True, False, True])
