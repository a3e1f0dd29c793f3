"""What a ratio hides: how far each cue is read, and what R's shape bias is made of.

A shape bias rises where shape is decided for more often, and where texture is less often (the
balance and sensitivity of REFINED-BIAS, 2026).
"""

from collections.abc import Sequence

import numpy as np
import pandas as pd

from ...datasets import Dataset, ImageSet
from ...networks import Network
from ...networks.presets import seen_by
from ...results import cached
from ..predictions import collect_each, responses, scores_of
from ..schema import OBSERVER, attributed, with_cues

ALONE = {"shape": "untextured", "texture": "texture on a blob"}
"""Cue -> what images that have it alone are called in ``Dataset.rearranged``."""


def shares(shape: np.ndarray, texture: np.ndarray) -> np.ndarray:
    """shape / (shape + texture), elementwise; nan where nothing is decided by either."""
    with np.errstate(invalid="ignore", divide="ignore"):
        return np.asarray(shape, float) / (np.asarray(shape, float) + texture)


def split_up(
    before: tuple[np.ndarray, np.ndarray], after: tuple[np.ndarray, np.ndarray]
) -> tuple[np.ndarray, np.ndarray]:
    """(Gain by shape, gain by less texture), which add up to the difference of the two ratios.

    `before` and `after` are (decided by shape, decided by texture). Each part is the mean of what
    changing that count does, first or second (Shapley's value).
    """
    (s0, t0), (s1, t1) = before, after
    by_shape = (shares(s1, t0) - shares(s0, t0) + shares(s1, t1) - shares(s0, t1)) / 2
    by_texture = (shares(s0, t1) - shares(s0, t0) + shares(s1, t1) - shares(s1, t0)) / 2
    return by_shape, by_texture


def gains(
    trials: pd.DataFrame, against: Sequence[str] = ("standard", "control"), draws: int = 2000
) -> pd.DataFrame:
    """How much of R's lead in shape bias is a gain of shape and how much a loss of texture.

    A row an architecture, seed and training it is held `against`: `difference` of the shape biases,
    its parts `by_shape` and `by_texture` (:func:`split_up`), each with a 95 % bootstrap interval
    (`..._low`, `..._high`) over the `n` conflict images, the same draws for both networks.
    """
    cues = with_cues(trials)
    columns = [
        f"{part}{end}"
        for part in ("difference", "by_shape", "by_texture")
        for end in ("", "_low", "_high")
    ]
    rows = []
    for (architecture, seed), own in cues.groupby(["architecture", "seed"], sort=False):
        decided = own.pivot(index="imagename", columns="training", values="decided")
        n = len(decided)
        times = np.random.default_rng(0).multinomial(n, np.full(n, 1 / n), draws)
        times = np.concatenate([np.ones((1, n)), times])  # first, the images as they are
        counts = {
            training: tuple(times @ (decided[training] == cue) for cue in ("shape", "texture"))
            for training in decided
        }
        for other in against:
            if "robust" not in counts or other not in counts:
                continue
            parts = split_up(counts[other], counts["robust"])
            found = []
            for drawn in (sum(parts), *parts):
                found += [drawn[0], *np.nanquantile(drawn[1:], [0.025, 0.975])]
            rows.append([architecture, seed, other, *found, n])
    return pd.DataFrame(rows, columns=["architecture", "seed", "against", *columns, "n"])


def reciprocal_ranks(networks: Sequence[Network], images: ImageSet) -> pd.DataFrame:
    """1 / rank of the category of each cue of each conflict image: a row an observer, image, cue.

    Columns: the observer, `imagename`, `cue`, `value`. Equal scores share the mean of their ranks;
    categories that a network has no outputs for are left out.
    """
    tables = []
    for network in networks:
        table = cached(responses, network, seen_by(network, images), attack=None)
        cues = with_cues(table.assign(object_response=""))
        ranks = scores_of(table).loc[cues.index].rank(axis=1, ascending=False)
        for cue in ("shape", "texture"):
            where = ranks.columns.get_indexer(cues[cue])
            value = 1 / ranks.to_numpy()[np.arange(len(ranks)), where]
            own = cues[["imagename"]].assign(cue=cue, value=value)[where >= 0]
            tables.append(attributed(own.reset_index(drop=True), network))
    return pd.concat(tables, ignore_index=True)


def each_alone(networks: list[Network], dataset: Dataset, images: ImageSet) -> pd.DataFrame:
    """The trials on images that have one `cue` alone: shape without texture, texture on a blob.

    Without a conflict, so that a cue is read or not. Empty where the dataset cannot draw them.
    """
    rearranged = dataset.rearranged
    sets = {cue: rearranged[name](images) for cue, name in ALONE.items() if name in rearranged}
    if not sets:
        return pd.DataFrame(columns=[*OBSERVER, "imagename", "correct", "cue"])
    return collect_each(networks, sets, ["cue"])
