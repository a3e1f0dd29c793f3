"""Do two observers err on the same images? Error consistency (Geirhos et al. 2020).

Cohen's kappa of being right or wrong, image by image: 0 where two agree as often as two
independent ones of their accuracies would, 1 where they always do.
"""

from collections.abc import Iterable, Sequence
from itertools import combinations, product

import numpy as np
import pandas as pd

from ..schema import OBSERVER, with_cues

_STIMULUS = r"([a-z]+\d+-[a-z]+\d+(?:-\d+)?\.\w+)$"

COLUMNS = ("kappa", "low", "high", "observed", "expected", "pairs", "n")


def kappa(first: np.ndarray, second: np.ndarray, weights: np.ndarray | None = None) -> np.ndarray:
    """Cohen's kappa of two rows of right (1) and wrong (0), for each row of weights.

    ``(agreed - expected) / (1 - expected)``; nan where 1 is expected, as of two that are always
    right. `first` and `second` ``(n,)``, `weights` ``(draws, n)``, one row of ones if None.
    """
    first, second = np.asarray(first, float), np.asarray(second, float)
    weights = np.ones((1, len(first))) if weights is None else np.asarray(weights, float)
    observed, expected = _agreement(first, second, weights)
    with np.errstate(invalid="ignore", divide="ignore"):
        return np.where(expected < 1, (observed - expected) / (1 - expected), np.nan)


def _agreement(
    first: np.ndarray, second: np.ndarray, weights: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    total = weights.sum(1)
    observed = weights @ (first == second) / total
    one, two = weights @ first / total, weights @ second / total
    return observed, one * two + (1 - one) * (1 - two)


def right_by_shape(trials: pd.DataFrame) -> pd.DataFrame:
    """Whether each observer decides each conflict image by its shape: images x observers, 0 or 1.

    In model-vs-human a cue-conflict image is answered rightly by its shape. Columns are (network,
    seed); images that an observer has not seen are nan. Images are known by the end of their
    names, ``cat4-dog2.png``: in trials of humans each name begins with that of the trial.
    """
    cues = with_cues(trials)
    names = cues["imagename"].astype(str).str.extract(_STIMULUS)[0]
    right = cues.assign(imagename=names, right=(cues["decided"] == "shape").astype(float))
    return right.pivot(index="imagename", columns=["network", "seed"], values="right")


def pairwise(
    right: pd.DataFrame,
    groups: dict[str, Sequence[tuple[tuple, tuple]]],
    draws: int = 2000,
    seed: int = 0,
) -> pd.DataFrame:
    """The mean kappa of each group of pairs of observers: a row a group, `COLUMNS`.

    `right` as from :func:`right_by_shape`, `groups` maps names to pairs of its columns. `low` and
    `high` are the 95 % bootstrap interval over the images that all of a group have seen, `n`, drawn
    for all pairs at once. `observed` and `expected` are the pairs' mean agreements.
    """
    rows = []
    for name, pairs in groups.items():
        if not pairs:
            continue
        own = right[list(dict.fromkeys(o for pair in pairs for o in pair))].dropna()
        n = len(own)
        times = np.random.default_rng(seed).multinomial(n, np.full(n, 1 / n), draws)
        weights = np.concatenate([np.ones((1, n)), times])  # first, the images as they are
        values = {column: own[column].to_numpy() for column in own}
        found = np.mean([kappa(values[a], values[b], weights) for a, b in pairs], axis=0)
        agreed = [_agreement(values[a], values[b], weights[:1]) for a, b in pairs]
        observed, expected = np.mean(agreed, axis=0)[:, 0]
        known = found[1:][~np.isnan(found[1:])]
        low, high = np.quantile(known, [0.025, 0.975]) if len(known) else (np.nan, np.nan)
        rows.append([name, found[0], low, high, observed, expected, len(pairs), n])
    return pd.DataFrame(rows, columns=["group", *COLUMNS])


def within(observers: Iterable[tuple]) -> list[tuple[tuple, tuple]]:
    """All pairs of the observers."""
    return list(combinations(observers, 2))


def between(one: Iterable[tuple], other: Iterable[tuple]) -> list[tuple[tuple, tuple]]:
    """All pairs of one of the first with one of the second."""
    return list(product(one, other))


def with_the_others(trials: pd.DataFrame) -> pd.DataFrame:
    """Each network's kappa with those of the same training and seed, other architectures.

    A row a network and conflict image, ``sum(value) / sum(weight)`` being its mean kappa, each
    pair's weighed by 1 - expected: `value` is agreed less expected, `weight` 1 - expected, summed
    over the others. What is expected is that of all images, also where some are drawn.
    """
    right = right_by_shape(trials)
    about = trials[OBSERVER].drop_duplicates()
    tables = []
    for (_, seed), own in about.groupby(["training", "seed"], sort=False):
        for row in own.itertuples(index=False):
            others = own.loc[own["architecture"] != row.architecture, "network"]
            value, weight = pd.Series(0.0, right.index), 0.0
            for other in others:
                a, b = (right[name, seed].to_numpy() for name in (row.network, other))
                _, expected = _agreement(a, b, np.ones((1, len(a))))
                value, weight = value + (a == b) - expected[0], weight + 1 - expected[0]
            if weight > 0:
                facts = dict(zip(OBSERVER, row, strict=True))
                table = value.rename("value").reset_index().assign(weight=weight, **facts)
                tables.append(table)
    columns = [*OBSERVER, "imagename", "value", "weight"]
    return (
        pd.concat(tables, ignore_index=True)[columns] if tables else pd.DataFrame(columns=columns)
    )
