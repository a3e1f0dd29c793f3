"""How strong each cue must be to decide: shape bias along the contrast of one cue, the other kept.

A shape bias is a ratio at one strength of both cues. Where images are rendered, either strength is
an axis: the curve along it, and the point on it at which both cues weigh the same, belong to the
network; the bias at one point belongs to the images as well.
"""

from collections.abc import Iterable

import numpy as np
import pandas as pd

from ..datasets import Dataset, ImageSet
from ..datasets.cue_conflict import balanced
from ..networks import Network
from ..networks.presets import seen_by
from ..results import cached
from .predictions import collect_each, responses, scores_of
from .schema import OBSERVER, attributed, with_cues
from .shape_bias import shape_bias


def along(networks: Iterable[Network], dataset: Dataset, per_pair: int = 1) -> pd.DataFrame:
    """The trials of all networks on cue-conflict images along each of the dataset's `cue_axes`.

    So many images of each pair of conflicting categories, the same at all levels; 0: all. Columns
    of ``predictions.collect``, and `axis` and `level`; empty where the dataset has no axes.
    """
    by = ["axis", "level"]
    if not dataset.cue_axes:
        return pd.DataFrame(columns=[*OBSERVER, "imagename", "object_response", *by])
    sets = {
        (axis, level): balanced(images_at(level), per_pair)
        for axis, (levels, images_at) in dataset.cue_axes.items()
        for level in levels
    }
    return collect_each(networks, sets, by)


def curves(trials: pd.DataFrame) -> pd.DataFrame:
    """Shape bias with its interval at each level, and what each cue alone decides.

    Columns of ``shape_bias.shape_bias`` by `axis` and `level`, and `by_shape`, `by_texture`: the
    shares of all `n` conflict images that are given their shape's, their texture's category.
    """
    table = shape_bias(trials, by=["axis", "level"])
    shares = {f"by_{cue}": table[cue] / table["n"] for cue in ("shape", "texture")}
    return table.assign(**shares).sort_values([*OBSERVER, "axis", "level"], ignore_index=True)


def balance(trials: pd.DataFrame, draws: int = 2000, seed: int = 0) -> pd.DataFrame:
    """The level on each axis at which the shape bias is one half: there both cues weigh the same.

    `trials` as from :func:`along`. By linear interpolation between the levels where the curve
    first crosses one half, with the 95 % bootstrap interval `low`, `high` over the `n` conflict
    images, each drawn with all its levels. Where the curve does not cross, the balance lies beyond
    the levels: `level` is inf or -inf (so may be the ends of the interval), by the side on which
    the curve would reach one half. ValueError if an image lacks a level.
    """
    rows = []
    for key, own in with_cues(trials).groupby([*OBSERVER, "axis"], sort=False):
        wide = own.pivot(index="imagename", columns="level", values="decided")
        if wide.isna().any(axis=None):
            lacking = wide.index[wide.isna().any(axis=1)][0]
            raise ValueError(
                f"{key[0]} has no decision on {lacking} at some level: give all levels"
            )
        n, levels = len(wide), wide.columns.to_numpy(float)
        weights = np.random.default_rng(seed).multinomial(n, np.full(n, 1 / n), draws)
        weights = np.concatenate([np.ones((1, n)), weights])  # first, the images as they are
        by = {cue: weights @ (wide == cue).to_numpy(float) for cue in ("shape", "texture")}
        with np.errstate(invalid="ignore"):
            bias = by["shape"] / (by["shape"] + by["texture"])
        rising = bool(np.nanmean(np.diff(bias[0])) > 0)  # along shape's contrast, not texture's
        found = np.array([_crossing(levels, curve, rising) for curve in bias])
        low, high = np.quantile(found[1:], [0.025, 0.975], method="inverted_cdf")
        rows.append([*key, found[0], low, high, n])
    return pd.DataFrame(rows, columns=[*OBSERVER, "axis", "level", "low", "high", "n"])


def _crossing(levels: np.ndarray, curve: np.ndarray, rising: bool) -> float:
    """Where the curve first crosses one half in its direction; inf or -inf if it does not."""
    known = ~np.isnan(curve)
    levels, above = levels[known], (curve[known] - 0.5) * (1 if rising else -1)
    if not len(above) or (above < 0).all():
        return np.inf
    if above[0] >= 0:
        return float(levels[0]) if above[0] == 0 else -np.inf
    i = int((above >= 0).argmax())
    share = above[i - 1] / (above[i - 1] - above[i])
    return float(levels[i - 1] + share * (levels[i] - levels[i - 1]))


def reciprocal_ranks(networks: Iterable[Network], images: ImageSet) -> pd.DataFrame:
    """Mean reciprocal rank of the shape's and of the texture's category among the 16.

    Each cue on its own, unlike a ratio of both: 1 if its category always has the highest score,
    .21 by chance. A row a network and `cue`: `rank` with the 95 % normal interval `low`, `high` of
    the mean over `n` conflict images. Equal scores share the mean of their ranks.
    """
    tables = []
    for network in networks:
        table = cached(responses, network, seen_by(network, images), attack=None)
        said = with_cues(table.assign(object_response=""))
        ranks = scores_of(table).loc[said.index].rank(axis=1, ascending=False)
        for cue in ("shape", "texture"):
            where = ranks.columns.get_indexer(said[cue])
            own = 1 / ranks.to_numpy()[np.arange(len(ranks)), where][where >= 0]
            half = 1.96 * own.std(ddof=1) / np.sqrt(len(own)) if len(own) > 1 else np.nan
            facts = {"rank": own.mean(), "low": own.mean() - half, "high": own.mean() + half}
            row = pd.DataFrame([{"cue": cue, **facts, "n": len(own)}])
            tables.append(attributed(row, network))
    if not tables:
        raise ValueError("no networks are given")
    return pd.concat(tables, ignore_index=True)
