"""What a channel's response varies with: shape, texture and colour, where they are crossed.

The ground truth that no photograph has. On images in which each pair of levels of the factors is
equally often seen, the sums of squares of the factors add up, so that shares of a channel's
variance need no model.
"""

from collections.abc import Sequence
from itertools import combinations

import numpy as np
import pandas as pd
import torch

from ...datasets import ImageSet
from ...distributed import add, shard
from ...networks import Network
from ..stream import activations

VERSION = 1

FACTORS = ("shape", "texture", "colour")


def variance_by_factor(
    network: Network,
    images: ImageSet,
    *,
    factors: Sequence[str] = FACTORS,
    batch_size: int = 64,
) -> pd.DataFrame:
    """Shares of each channel's variance over the images: a row a channel of the probed layers.

    Its response to an image is the mean of its map, as global pooling hands it on. Columns
    `layer`, `unit`, a share for each of the `factors` (columns of the images' table), "shape x
    texture" (the first two's interaction), `rest` (pose, background and whatever else), and
    `shape_selectivity`, `texture_selectivity` (of the first two: :func:`selectivity`). Shares are
    unbiased (omega squared): what noise alone would explain is taken off, and a share of nothing
    may come out below 0. nan for a channel that never responds. ValueError where two factors'
    levels are not seen together equally often.
    """
    table = images.table
    levels = [pd.factorize(table[factor])[0] for factor in factors]
    refuse_unbalanced(dict(zip(factors, levels, strict=True)), images.name)
    rows = shard(range(len(images)))
    seen: dict[str, torch.Tensor] = {}
    for chunk, maps in activations(network, images, rows, batch_size=batch_size):
        for layer, values in maps.items():
            if layer not in seen:
                seen[layer] = torch.zeros(len(images), values.shape[1], dtype=torch.float64)
            seen[layer][chunk] = values.double().mean((2, 3)).cpu()
    tables = []
    for layer, responses in seen.items():
        found = pd.DataFrame(shares(add(responses).numpy(), levels, factors))
        found.insert(0, "layer", layer)
        found.insert(1, "unit", np.arange(len(found)))
        tables.append(found)
    return pd.concat(tables, ignore_index=True)


def refuse_unbalanced(levels: dict[str, np.ndarray], name: str) -> None:
    """ValueError names two factors whose levels are not equally often seen together."""
    for (one, a), (other, b) in combinations(levels.items(), 2):
        together = pd.crosstab(a, b).to_numpy()
        if (together != together.flat[0]).any():
            raise ValueError(
                f"{name}: {one} and {other} are not crossed, some levels are seen together "
                f"{together.min()} times, some {together.max()}: shares of variance would overlap"
            )


def shares(
    responses: np.ndarray, levels: Sequence[np.ndarray], factors: Sequence[str]
) -> dict[str, np.ndarray]:
    """The columns of :func:`variance_by_factor` from responses (images, units) and level codes."""
    centred = responses - responses.mean(0)
    total = (centred**2).sum(0)
    squares, freedom, left = {}, {}, centred.copy()
    for factor, codes in zip(factors, levels, strict=True):
        means = _means(centred, codes)
        squares[factor] = (means[codes] ** 2).sum(0)
        freedom[factor] = len(means) - 1
        left = left - means[codes]
    pair, both = f"{factors[0]} x {factors[1]}", levels[0] * (levels[1].max() + 1) + levels[1]
    means = _means(left, both)
    squares[pair] = (means[both] ** 2).sum(0)
    freedom[pair] = freedom[factors[0]] * freedom[factors[1]]
    rest = np.clip(total - sum(squares.values()), 0, None)
    free = len(responses) - 1 - sum(freedom.values())
    noise = rest / max(free, 1)
    with np.errstate(invalid="ignore", divide="ignore"):
        found = {k: (squares[k] - freedom[k] * noise) / (total + noise) for k in squares}
    found = {k: np.where(total > 1e-12, v, np.nan) for k, v in found.items()}
    found["rest"] = 1 - sum(found.values())
    for factor, codes in zip(factors[:2], levels[:2], strict=True):
        found[f"{factor}_selectivity"] = selectivity(_means(responses, codes))
    return found


def selectivity(means: np.ndarray) -> np.ndarray:
    """(a - b) / (a + b) of each unit (levels, units): its highest mean response to a level, a, and
    the mean of the others, b (Morcos et al. 2018). 0 for one that responds to all alike, 1 for one
    that responds to nothing else; nan for one that never responds. Responses are not negative."""
    best = means.max(0)
    others = (means.sum(0) - best) / (len(means) - 1)
    with np.errstate(invalid="ignore", divide="ignore"):
        return (best - others) / (best + others)


def _means(values: np.ndarray, codes: np.ndarray) -> np.ndarray:
    """Mean of the rows of each code: (codes, units)."""
    sums = np.zeros((codes.max() + 1, values.shape[1]))
    np.add.at(sums, codes, values)
    return sums / np.bincount(codes)[:, None]
