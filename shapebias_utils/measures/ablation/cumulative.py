"""How far the shape bias moves when the channels that matter most are zeroed together."""

from collections.abc import Sequence
from contextlib import ExitStack

import numpy as np
import pandas as pd
import torch

from ...categories import CATEGORIES
from ...datasets import ImageSet
from ...distributed import merge, shard
from ...hooks import ablate as zeroed
from ...networks import Network
from ..predictions import category_probabilities
from ..schema import with_cues
from ..statistics import bootstrap_interval
from ..stream import loaded, stream
from .scores import collect as collect_scores
from .scores import flips

VERSION = 2

K = 10
"""The number of channels at which the curves are read: fixed before any was drawn, the same for
all networks and orders."""

ORDERS = ("texture", "shape", "texture only", "shape only")
"""By the score, and by the score as a share of the decisions less that of the other cue."""


def cumulative_ablation(
    network: Network,
    images: ImageSet,
    *,
    counts: Sequence[int] = (0, 5, K, 20, 40),
    draws: int = 3,
    seed: int = 0,
    batch_size: int = 64,
) -> pd.DataFrame:
    """Shape bias with the k channels of the highest scores zeroed together: a row an order and k.

    `order` is one of `ORDERS` over the channels of all probed layers, or "as texture 1" to "as
    shape `draws`": random channels, as many of each layer as in that order. Scores are counted on
    every second of the conflict images, and the bias is measured on the others, so that channels
    are not chosen by the images they are judged on.

    Columns `order`, `channels` (k), `shape_bias` with its 95 % bootstrap interval `low`, `high`;
    of `n` images the numbers decided by `shape` and by `texture`; of these, how many were decided
    so with all channels too, `shape_kept` and `texture_kept`; and how many would be if the same
    answers were dealt out to the images at random, `shape_chance` and `texture_chance`.
    """
    table = images.table
    conflict = (table["category"] != table["texture_category"]).to_numpy().nonzero()[0]
    rows = conflict[1::2].tolist()
    sets = _sets(_ranked(network, images), counts, draws, seed)
    # none is the same in any order; first the network as it is
    distinct = {str(chosen): chosen for chosen in [{}, *sets.values()]}
    module = loaded(network)

    def forward(x: torch.Tensor, _: list[int]) -> torch.Tensor:
        found = []
        for chosen in distinct.values():
            with torch.no_grad(), ExitStack() as stack:
                for layer, units in chosen.items():
                    stack.enter_context(zeroed(module, network.layers[layer], units))
                found.append(module(x).float().softmax(1))
        return torch.stack(found, 1)

    said, mapping = [], network.mapping()
    label = f"{network.name} without channels"
    for chunk, classes in stream(
        images, forward, rows=shard(rows), batch_size=batch_size, label=label
    ):
        answers = [category_probabilities(own.cpu().numpy(), mapping).argmax(1)
                   for own in classes.unbind(1)]  # fmt: skip
        said.append(pd.DataFrame(np.stack(answers, 1)).assign(row=chunk))
    empty = pd.DataFrame(columns=[*range(len(distinct)), "row"], dtype=int)
    said = merge(pd.concat([empty, *said]), "row")
    trials = pd.DataFrame({"imagename": table["imagename"].iloc[said.pop("row")].to_numpy()})
    answers = {key: np.array(CATEGORIES)[said[i]] for i, key in enumerate(distinct)}
    counted = {key: _counts(trials, own, answers["{}"]) for key, own in answers.items()}
    columns = ["shape_bias", "low", "high", "n", "shape", "texture", "shape_kept", "texture_kept",
               "shape_chance", "texture_chance"]  # fmt: skip
    found = [(*key, *counted[str(chosen)]) for key, chosen in sets.items()]
    return pd.DataFrame(found, columns=["order", "channels", *columns])


def _counts(trials: pd.DataFrame, answers: np.ndarray, before: np.ndarray) -> tuple:
    """The columns of :func:`cumulative_ablation` behind `channels`, of one set of channels."""
    own = with_cues(trials.assign(object_response=answers))
    shape, texture = ((own["decided"] == cue).sum() for cue in ("shape", "texture"))
    same = answers[own.index] == before[own.index]
    kept = [int((same & (own["decided"] == cue)).sum()) for cue in ("shape", "texture")]
    given = own["object_response"].value_counts(normalize=True)
    chance = [float(own[cue].map(given).fillna(0).sum()) for cue in ("shape", "texture")]
    bias = shape / (shape + texture) if shape + texture else np.nan
    interval = bootstrap_interval(shape, texture, len(own) - shape - texture)
    return bias, *interval, len(own), int(shape), int(texture), *kept, *chance


def half_scores(network: Network, images: ImageSet) -> pd.DataFrame:
    """The scores of all channels without `flipped`, and `shape_first`, `texture_first`: those on
    every second of the conflict images alone."""
    scores = collect_scores([network], images)
    table = images.table
    conflict = (table["category"] != table["texture_category"]).to_numpy().nonzero()[0]
    found = flips(scores)
    found = found[found["imagename"].isin(set(table["imagename"].iloc[conflict[::2]]))]
    counts = found.groupby(["layer", "unit", "cue"]).size().unstack(fill_value=0)
    keys = pd.MultiIndex.from_frame(scores[["layer", "unit"]])
    counts = counts.reindex(index=keys, columns=["shape", "texture"], fill_value=0)
    scores = scores.drop(columns=["network", "architecture", "training", "seed", "flipped"])
    return scores.assign(**{f"{cue}_first": counts[cue].to_numpy() for cue in counts})


def _ranked(network: Network, images: ImageSet) -> pd.DataFrame:
    """`layer`, `unit` and what :data:`ORDERS` go by, on every second image."""
    scores = half_scores(network, images)
    ranked = scores[["layer", "unit"]].assign(
        shape=scores["shape_first"], texture=scores["texture_first"]
    )
    shares = [ranked[cue] / scores[cue].clip(lower=1) for cue in ("texture", "shape")]
    return ranked.assign(**{"texture only": shares[0] - shares[1],
                            "shape only": shares[1] - shares[0]})  # fmt: skip


def _sets(
    ranked: pd.DataFrame, counts: Sequence[int], draws: int, seed: int
) -> dict[tuple[str, int], dict[str, list[int]]]:
    """(order, k) -> layer -> the channels to zero; each set holds the smaller ones of its order."""
    orders = {by: ranked.sort_values(by, ascending=False, kind="stable") for by in ORDERS}
    rng = np.random.default_rng(seed)
    for by in ORDERS[:2]:
        for draw in range(draws):
            shuffled = ranked.iloc[rng.permutation(len(ranked))]
            units = {layer: iter(own["unit"]) for layer, own in shuffled.groupby("layer")}
            drawn = orders[by][["layer"]]
            units = [next(units[layer]) for layer in drawn["layer"]]
            orders[f"as {by} {draw + 1}"] = drawn.assign(unit=units)
    return {
        (order, k): own.iloc[:k].groupby("layer", sort=False)["unit"].agg(list).to_dict()
        for order, own in orders.items()
        for k in sorted({min(k, len(ranked)) for k in counts})
    }
