"""Where in an image a channel is active: the masks that dissection counts, to be looked at."""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import pandas as pd
import torch

from ...datasets import ImageSet
from ...hardware import device
from ...networks import Network
from ...results import cached
from ..stream import activations
from . import upsampling
from .preferred_images import preferred_images
from .rules import Rules, rules_of

DARK = 0.25
"""What is left of the light outside of a mask."""


def masks(
    network: Network, images: ImageSet, table: pd.DataFrame, rules: str | Rules = "default"
) -> np.ndarray:
    """Where each row's channel exceeds its threshold: bool ``(rows, H, W)``, in image pixels.

    `table` has `imagename`, `layer`, `unit` and `threshold` (of ``dissect.dissect``); maps are
    upsampled to the image by the rules' geometry. ValueError for an image or layer not there.
    """
    rules, where = rules_of(rules), device()
    names = list(dict.fromkeys(table["imagename"]))
    rows = [images.row(name) for name in names]
    first = images.load(rows[:1]).to(where)
    size = tuple(first.shape[2:])
    found, grids = np.zeros((len(table), *size), bool), {}
    wanted = table.reset_index(drop=True).groupby("imagename")
    for chunk, maps in activations(network, images, rows, list(dict.fromkeys(table["layer"]))):
        if not grids:
            sizes = {layer: tuple(values.shape[2:]) for layer, values in maps.items()}
            module = network.load().to(where)
            grids = upsampling.grids(rules.geometry, size, sizes, module, first)
        for i, row in enumerate(chunk):
            for own in wanted.get_group(images.table["imagename"].iloc[row]).itertuples():
                values = maps[own.layer][i : i + 1, own.unit : own.unit + 1]
                threshold = torch.tensor([own.threshold], dtype=torch.float32, device=where)
                pixels, _ = upsampling.active(values, threshold, grids[own.layer])
                found[own.Index].flat[pixels.cpu().numpy()] = True
    return found


def top_concepts(
    dissected: pd.DataFrame, network: Network, n: int = 5, important: pd.DataFrame | None = None
) -> pd.DataFrame:
    """The channel of highest IoU with each of the network's `n` first concepts.

    Rows of `dissected`, with a `title` that says which. With a table of `important` concepts
    (``importance.accuracy_without``, behind `network`) those whose channels cost most accuracy;
    else, or where it has none of the network, those that the network detects best.
    """
    own = dissected[dissected["network"] == network.name].dropna(subset=["concept"])
    best = own.sort_values("iou", ascending=False, kind="stable").drop_duplicates("concept")
    if important is not None and not important.empty:
        mine = important[important["network"] == network.name].set_index("concept")["drop"]
        if len(mine):
            drop = best["concept"].map(mine).fillna(-1)
            best = best.loc[drop.sort_values(ascending=False, kind="stable").index]
    best = best[:n]
    about = zip(best["concept"], best["layer"], best["unit"], best["iou"], strict=True)
    titles = [f"{network.name}: {c}\n{a}, channel {u}, IoU {i:.2f}" for c, a, u, i in about]
    return best.assign(title=pd.Series(titles, best.index, str))


def examples(
    networks: Sequence[Network],
    images: ImageSet,
    dissected: pd.DataFrame,
    n: int = 5,
    k: int = 7,
    rules: str | Rules = "default",
    important: pd.DataFrame | None = None,
) -> tuple[pd.DataFrame, ImageSet]:
    """Of each network's :func:`top_concepts` the `k` images of highest activation (Fig. A11).

    The table has a row an image with its `title`, channel and `rank`; the image set has these
    images under names of their own (`imagename` of the table), dark outside of the masks.
    """
    tables, pictures = [], []
    for network in networks:
        best = top_concepts(dissected, network, n, important)
        columns = ["layer", "unit", "threshold", "concept", "iou", "title"]
        preferred = cached(preferred_images, network, images, k=k, position="maximum")
        table = best[columns].merge(preferred, on=["layer", "unit"], sort=False)
        seen = masks(network, images, table, rules)[:, None]
        shown = images.load([images.row(name) for name in table["imagename"]]).numpy()
        pictures.append(np.where(seen, shown, DARK * shown).astype(np.float32))
        name = table["title"].str.replace("\n", ", ") + ": " + table["imagename"]
        tables.append(table.assign(network=network.name, imagename=name))
    table = pd.concat(tables, ignore_index=True)
    stacked = torch.from_numpy(np.concatenate(pictures))
    about = pd.DataFrame({"imagename": table["imagename"], "category": "", "label": -1})
    lit = replace(
        images, name=f"{images.name}-masks", table=about, load=lambda rows: stacked[list(rows)]
    )
    return table, lit
