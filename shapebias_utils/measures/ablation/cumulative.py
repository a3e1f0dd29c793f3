"""How far the shape bias moves when the channels that matter most are zeroed together."""

from collections.abc import Sequence
from contextlib import ExitStack

import numpy as np
import pandas as pd
import torch

from ...categories import CATEGORIES
from ...datasets import ImageSet
from ...distributed import add, shard
from ...hooks import ablate as zeroed
from ...networks import Network
from ..predictions import category_probabilities
from ..schema import with_cues
from ..statistics import bootstrap_interval
from ..stream import loaded, stream
from .scores import collect as collect_scores
from .scores import flips

VERSION = 1


def cumulative_ablation(
    network: Network,
    images: ImageSet,
    *,
    counts: Sequence[int] = (0, 2, 5, 10, 20, 40),
    draws: int = 3,
    seed: int = 0,
    batch_size: int = 64,
) -> pd.DataFrame:
    """Shape bias with the k channels of the highest scores zeroed together: a row an order and k.

    `order` is "texture" or "shape", by that score over the channels of all probed layers, and
    "random 1" to "random `draws`": random channels, as many of each layer as in the order
    "texture". Scores are counted on every second of the conflict images, and the bias is measured
    on the others, so that channels are not chosen by the images they are judged on. Columns
    `order`, `channels` (k), `shape_bias` with its 95 % bootstrap interval `low`, `high`, and of
    `n` images the numbers decided by `shape` and by `texture`.
    """
    table = images.table
    conflict = (table["category"] != table["texture_category"]).to_numpy().nonzero()[0]
    rows, names = conflict[1::2].tolist(), set(table["imagename"].iloc[conflict[::2]])
    sets = _sets(_ranked(network, images, names), counts, draws, seed)
    distinct = {str(chosen): chosen for chosen in sets.values()}  # none is the same in any order
    module = loaded(network)

    def forward(x: torch.Tensor, _: list[int]) -> torch.Tensor:
        found = []
        for chosen in distinct.values():
            with torch.no_grad(), ExitStack() as stack:
                for layer, units in chosen.items():
                    stack.enter_context(zeroed(module, network.layers[layer], units))
                found.append(module(x).float().softmax(1))
        return torch.stack(found, 1)

    totals = torch.zeros(len(distinct), 3, dtype=torch.long)
    label = f"{network.name} without channels"
    for chunk, classes in stream(
        images, forward, rows=shard(rows), batch_size=batch_size, label=label
    ):
        trials = pd.DataFrame({"imagename": table["imagename"].iloc[chunk].to_numpy()})
        for i, own in enumerate(classes.unbind(1)):
            scores = category_probabilities(own.cpu().numpy(), network.mapping())
            said = np.array(CATEGORIES)[scores.argmax(1)]
            decided = with_cues(trials.assign(object_response=said))["decided"].value_counts()
            totals[i] += torch.tensor([decided.get(c, 0) for c in ("shape", "texture", "other")])
    found = []
    counted = dict(zip(distinct, add(totals).tolist(), strict=True))
    for key, chosen in sets.items():
        shape, texture, _ = decided = counted[str(chosen)]
        bias = shape / (shape + texture) if shape + texture else np.nan
        found.append((*key, bias, *bootstrap_interval(*decided), sum(decided), shape, texture))
    columns = ["order", "channels", "shape_bias", "low", "high", "n", "shape", "texture"]
    return pd.DataFrame(found, columns=columns)


def _ranked(network: Network, images: ImageSet, names: set[str]) -> pd.DataFrame:
    """All channels with their scores on the images of these names."""
    scores = collect_scores([network], images)
    found = flips(scores)
    found = found[found["imagename"].isin(names)]
    counts = found.groupby(["layer", "unit", "cue"]).size().unstack(fill_value=0)
    keys = pd.MultiIndex.from_frame(scores[["layer", "unit"]])
    return counts.reindex(index=keys, columns=["shape", "texture"], fill_value=0).reset_index()


def _sets(
    ranked: pd.DataFrame, counts: Sequence[int], draws: int, seed: int
) -> dict[tuple[str, int], dict[str, list[int]]]:
    """(order, k) -> layer -> the channels to zero; each set holds the smaller ones of its order."""
    orders = {cue: ranked.sort_values(cue, ascending=False, kind="stable") for cue in
              ("texture", "shape")}  # fmt: skip
    rng = np.random.default_rng(seed)
    for draw in range(draws):
        shuffled = ranked.iloc[rng.permutation(len(ranked))]
        units = {layer: iter(own["unit"]) for layer, own in shuffled.groupby("layer")}
        drawn = orders["texture"][["layer"]]
        orders[f"random {draw + 1}"] = drawn.assign(unit=[next(units[x]) for x in drawn["layer"]])
    return {
        (order, k): own.iloc[:k].groupby("layer", sort=False)["unit"].agg(list).to_dict()
        for order, own in orders.items()
        for k in sorted({min(k, len(ranked)) for k in counts})
    }
