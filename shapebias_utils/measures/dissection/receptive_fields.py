"""What a unit sees of an image: the patch that its activation depends on."""

import copy
from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import pandas as pd
import torch
from torch import nn

from ...datasets import ImageSet
from ...hooks import record
from ...networks import Network


def receptive_fields(
    network: Network, images: ImageSet
) -> dict[str, tuple[tuple[float, float], tuple[float, float]]]:
    """Layer -> (first, last) pixel in y and in x that the map's central unit depends on.

    Of the unit in row H // 2 and column W // 2, cut by the image's border. Found by experiment:
    with all weights positive and means in place of maxima, every pixel that the unit depends on
    moves it.
    """
    module = copy.deepcopy(network.build()).double().eval()
    _let_all_through(module)
    x = torch.ones_like(images.load([0]), dtype=torch.float64, requires_grad=True)
    with record(module, network.layers) as maps:
        module(x)
    found = {}
    for layer, values in maps.items():
        if values.ndim < 4:  # no grid: it sees everything
            found[layer] = tuple((0, n - 1) for n in x.shape[2:])
            continue
        height, width = values.shape[2:]
        centre = values[0, :, height // 2, width // 2].sum()
        (moved,) = torch.autograd.grad(centre, x, retain_graph=True)
        seen = moved[0].abs().sum(0) > 0
        found[layer] = tuple(_span(seen.any(axis).numpy()) for axis in (1, 0))
    return found


def _let_all_through(module: nn.Module) -> None:
    """Positive weights, no biases, means for maxima: what goes in comes out, if less of it."""
    for name, child in module.named_children():
        if isinstance(child, nn.MaxPool2d):
            facts = child.kernel_size, child.stride, child.padding, child.ceil_mode
            setattr(module, name, nn.AvgPool2d(*facts))
        else:
            _let_all_through(child)
    with torch.no_grad():
        if isinstance(module, nn.Conv2d | nn.Linear):
            module.weight.fill_(1 / module.weight[0].numel())
            if module.bias is not None:
                module.bias.zero_()
        if isinstance(module, nn.BatchNorm2d):
            module.reset_running_stats()
            if module.affine:
                module.weight.fill_(1)
                module.bias.zero_()


def _span(seen: np.ndarray) -> tuple[int, int]:
    inside = np.flatnonzero(seen)
    return int(inside[0]), int(inside[-1])


def crops(
    network: Network, images: ImageSet, table: pd.DataFrame, k: int = 9
) -> tuple[pd.DataFrame, ImageSet]:
    """The patches of the `k` images of highest activation that each channel's central unit sees.

    `table` as from ``preferred_images`` at the "centre", with a `title` for each channel. Images
    that do not activate the unit are left out: among those, which come first is chance. The table
    has their new `imagename`; the image set has the patches, enlarged pixel by pixel to one size.
    """
    fields = receptive_fields(network, images)
    kept = table[(table["activation"] > 0) & (table["rank"] <= k)].reset_index(drop=True)
    side = max(images.load([0]).shape[2:])
    patches = torch.zeros(len(kept), 3, side, side)
    for patch, row in zip(patches, kept.itertuples(), strict=True):
        (top, bottom), (left, right) = fields[row.layer]
        own = images.load([images.row(row.imagename)])[:, :, top : bottom + 1, left : right + 1]
        patch[:] = nn.functional.interpolate(own, size=(side, side), mode="nearest")[0]
    kept = kept.assign(source=kept["imagename"])
    kept["imagename"] = kept["title"].str.replace("\n", ", ") + ": " + kept["source"]
    about = pd.DataFrame({"imagename": kept["imagename"], "category": "", "label": -1})
    loaded = ImageSet(
        f"{images.name}-crops", about, lambda rows: patches[list(rows)], f"{images.digest} crops"
    )
    return kept, loaded


def several(
    networks: Sequence[Network], images: ImageSet, table: pd.DataFrame, k: int = 9
) -> tuple[pd.DataFrame, ImageSet]:
    """The :func:`crops` of several networks' channels (column `network`), in one table and set."""
    found = [crops(n, images, table[table["network"] == n.name], k) for n in networks]
    tables, sets = zip(*found, strict=True)
    pixels = torch.cat([own.load(range(len(own))) for own in sets])
    about = pd.concat([own.table for own in sets], ignore_index=True)
    joined = replace(sets[0], table=about, load=lambda rows: pixels[list(rows)])
    return pd.concat(tables, ignore_index=True), joined


def most_by_chance(groups: int, n: int, rate: float = 0.05, draws: int = 4000) -> int:
    """How many of `n` images drawn from equally large groups are of one group: the number that is
    exceeded by chance in at most `rate` of all draws."""
    rng = np.random.default_rng(0)
    drawn = rng.integers(0, groups, (draws, n))
    most = np.array([np.bincount(own).max() for own in drawn]) if n else np.zeros(draws, int)
    return int(np.quantile(most, 1 - rate, method="higher"))


def composition(table: pd.DataFrame, images: ImageSet, column: str = "category") -> pd.DataFrame:
    """Which group (of the images' `column`) is most frequent among the crops of each channel.

    Stimuli whose textures have no names are told apart by the textures' category.

    A row a `title`: `most` (its name), `count` of `n` crops, and `by_chance`, the count that the
    most frequent one has or stays below in 95 % of draws from images that are balanced over the
    groups: only above that the channel prefers it.
    """
    named = column if column in images.table else f"{column}_category"
    groups = images.table.set_index("imagename")[named]
    rows = []
    for title, own in table.groupby("title", sort=False):
        counts = groups.reindex(own["source"]).value_counts()
        bound = most_by_chance(groups.nunique(), len(own))
        rows.append((title, counts.index[0], int(counts.iloc[0]), len(own), bound))
    return pd.DataFrame(rows, columns=["title", "most", "count", "n", "by_chance"])
