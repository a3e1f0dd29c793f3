"""Intervals, paired differences and the one rule by which a finding counts as reproduced.

An *observation table* is tidy: a row a `quantity`, network (`network`, `architecture`, `training`,
`seed`) and `unit` (an image, a channel), with `value` and `weight`. A network's statistic is the
ratio of the sums, value over weight: an accuracy has `value` 1 where it is right and `weight` 1, a
shape bias `value` 1 where shape decides and `weight` 1 where either cue does. An optional `chance`
is the level of a network that knows nothing.
"""

from collections.abc import Iterable, Sequence
from functools import lru_cache

import numpy as np
import pandas as pd
from scipy.stats import norm, t

OUTCOMES = ("reproduced", "reversed", "undecided", "at chance", "not tested")
"""What a comparison can come to: see :func:`outcomes`."""

LEVEL = 0.05
"""Of the test behind an outcome, after Holm's correction over the architectures."""

EFFECTS = (
    "quantity", "architecture", "training", "against", "effect", "low", "high", "p", "p_holm",
    "value", "value_low", "value_high", "versus", "versus_low", "versus_high", "chance", "n",
    "seeds",
)  # fmt: skip


def wilson_interval(right: np.ndarray, n: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """95 % Wilson interval of the share right / n, elementwise; nan where n is 0."""
    right, n = np.asarray(right, float), np.asarray(n, float)
    z = norm.ppf(0.975)
    with np.errstate(invalid="ignore", divide="ignore"):
        p = right / n
        centre = (p + z**2 / (2 * n)) / (1 + z**2 / n)
        half = z * np.sqrt(p * (1 - p) / n + z**2 / (4 * n**2)) / (1 + z**2 / n)
    return np.clip(centre - half, 0, p), np.clip(centre + half, p, 1)  # p, but for rounding


def bootstrap_interval(
    shape: int, texture: int, other: int, draws: int = 10_000, seed: int = 0
) -> tuple[float, float]:
    """95 % percentile interval of shape / (shape + texture), resampling the images.

    Resampling n images with replacement draws the three counts from a multinomial distribution,
    so that is drawn from directly. (nan, nan) where nothing was decided by a cue.
    """
    n = shape + texture + other
    if shape + texture == 0:
        return np.nan, np.nan
    counts = np.random.default_rng(seed).multinomial(
        n, np.array([shape, texture, other]) / n, draws
    )
    decided = counts[:, 0] + counts[:, 1]
    ratios = counts[decided > 0, 0] / decided[decided > 0]
    low, high = np.quantile(ratios, [0.025, 0.975])
    return float(low), float(high)


def holm(p: np.ndarray) -> np.ndarray:
    """The p-values corrected for their number by Holm's step-down method (1979)."""
    order = np.argsort(p, kind="stable")
    steps = np.maximum.accumulate(p[order] * np.arange(len(p), 0, -1))
    corrected = np.empty(len(p))
    corrected[order] = np.minimum(steps, 1)
    return corrected


def levels(observations: pd.DataFrame, draws: int = 2000, seed: int = 0) -> pd.DataFrame:
    """Each kind of network's statistic: a row a quantity, architecture and training.

    `value` is the mean over `seeds` networks, `low` and `high` its 95 % interval (as in
    :func:`effects`), `sd` the standard deviation over the seeds (nan for one), `n` the units of a
    network.
    """
    rows = []
    for (quantity, architecture), own in _groups(observations):
        for training, kind in own.groupby("training", sort=False):
            sums = _Sums(kind, draws, seed)
            low, high, _ = _interval(sums.drawn, sums.point)
            sd = float(np.std(sums.point, ddof=1)) if len(sums.point) > 1 else np.nan
            facts = (float(np.mean(sums.point)), low, high, sd, sums.n, len(sums.point))
            rows.append((quantity, kind["network"].iloc[0], architecture, training, *facts))
    columns = ["quantity", "network", "architecture", "training"]
    return pd.DataFrame(rows, columns=[*columns, "value", "low", "high", "sd", "n", "seeds"])


def effects(
    observations: pd.DataFrame,
    of: Sequence[str] = ("robust",),
    against: Sequence[str] = ("standard", "control"),
    paired: bool = True,
    draws: int = 2000,
    seed: int = 0,
) -> pd.DataFrame:
    """How much more some trainings have of a quantity than others: a row each comparison.

    Columns `EFFECTS`: `effect` is the mean over seeds of the statistic of `training` (`value`) less
    that of `against` (`versus`), both on the units that both have; `low` and `high` its 95 %
    interval, `p` the two-sided probability of no effect, `p_holm` corrected over the architectures
    of one comparison. Units are drawn again with replacement, the same for both networks and all
    seeds (each network its own if not `paired`, as for channels that do not correspond). Seeds are
    too few to be drawn from: their spread enters as Student's t, of the standard error of their
    mean. ValueError if a unit of a network is there twice.
    """
    rows = []
    for (quantity, architecture), own in _groups(observations):
        by_training = dict(list(own.groupby("training", sort=False)))
        chance = own["chance"].iloc[0] if "chance" in own else np.nan
        for a in of:
            for b in against:
                if a == b or a not in by_training or b not in by_training:
                    continue
                ours, theirs = _matched(by_training[a], by_training[b], paired)
                if ours.empty or theirs.empty:
                    continue
                first = _Sums(ours, draws, seed)
                second = _Sums(theirs, draws, seed if paired else seed + 1)
                drawn, point = first.drawn - second.drawn, first.point - second.point
                size = chance, min(first.n, second.n), len(point)
                found = *compared(drawn, point), np.nan, *level_of(first), *level_of(second), *size
                rows.append((quantity, architecture, a, b, *found))
    return corrected(pd.DataFrame(rows, columns=list(EFFECTS)))


def corrected(effects: pd.DataFrame) -> pd.DataFrame:
    """The effects with `p_holm`: `p` by Holm's method over the architectures of one comparison."""
    table = effects.copy()
    for _, own in table.groupby(["quantity", "training", "against"], sort=False):
        known = own["p"].dropna()
        table.loc[known.index, "p_holm"] = holm(known.to_numpy(float))
    return table


def against_constant(
    observations: pd.DataFrame,
    constant: float,
    of: Sequence[str] = ("robust",),
    draws: int = 2000,
    seed: int = 0,
) -> pd.DataFrame:
    """As :func:`effects`, against a number instead of a network; `against` is its text ("0.5")."""
    rows = []
    for (quantity, architecture), own in _groups(observations):
        for training in of:
            kind = own[own["training"] == training]
            if kind.empty:
                continue
            sums = _Sums(kind, draws, seed)
            found = compared(sums.drawn - constant, sums.point - constant)
            level = *level_of(sums), constant, constant, constant, np.nan
            key = quantity, architecture, training, f"{constant:g}"
            rows.append((*key, *found, np.nan, *level, sums.n, len(sums.point)))
    return corrected(pd.DataFrame(rows, columns=list(EFFECTS)))


def outcomes(effects: pd.DataFrame, expected: int) -> pd.Series:
    """The outcome of each row of :func:`effects` for a claim that the effect is > 0 or < 0.

    `expected` is 1 or -1. "at chance" if neither network's interval lies above `chance`;
    "reproduced" or "reversed" if the interval lies on that side of 0 and `p_holm` is below `LEVEL`;
    else "undecided". "not tested" where there is no number. There is no verdict by sign alone.
    """
    columns = ["effect", "low", "high", "p_holm", "value_low", "versus_low", "chance"]
    numbers = effects[columns].astype(float)  # of mixed tables some are objects
    lost = np.sign(numbers["low"]) * np.sign(numbers["high"]) <= 0
    lost |= numbers["p_holm"] >= LEVEL
    idle = (numbers["value_low"] <= numbers["chance"]) & (
        numbers["versus_low"] <= numbers["chance"]
    )
    right = np.sign(numbers["effect"]) == np.sign(expected)
    cases = [numbers["effect"].isna() | numbers["p_holm"].isna(), idle, lost, right]
    names = ["not tested", "at chance", "undecided", "reproduced"]
    return pd.Series(np.select(cases, names, "reversed"), effects.index, name="verdict", dtype=str)


def _groups(observations: pd.DataFrame) -> Iterable[tuple[tuple[str, str], pd.DataFrame]]:
    keys = ["quantity", "network", "seed", "unit"]
    twice = observations.duplicated(keys)
    if twice.any():
        quantity, network, _, unit = observations.loc[twice, keys].iloc[0]
        raise ValueError(f"{network} has {unit} twice for {quantity!r}: a row a unit is wanted")
    return observations.groupby(["quantity", "architecture"], sort=False)


def _matched(
    ours: pd.DataFrame, theirs: pd.DataFrame, paired: bool
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """The rows of both trainings in the seeds, and if paired on the units, that both have."""
    keys = ["seed", "unit"] if paired else ["seed"]
    one, other = (table.set_index(keys).index for table in (ours, theirs))
    return ours[one.isin(other)], theirs[other.isin(one)]


class _Sums:
    """A kind of network's statistic, a column a seed: `point` (seeds,), `drawn` (draws, seeds)."""

    def __init__(self, observations: pd.DataFrame, draws: int, seed: int) -> None:
        wide = observations.pivot(index="unit", columns="seed", values=["value", "weight"])
        wide = wide.fillna(0.0)  # a unit that a seed's network lacks weighs nothing there
        value, weight = wide["value"].to_numpy(float), wide["weight"].to_numpy(float)
        self.n = round(observations.groupby("seed").size().mean())
        times = resampled(len(wide), draws, seed)
        with np.errstate(invalid="ignore", divide="ignore"):
            self.point = value.sum(0) / weight.sum(0)
            self.drawn = (times @ value) / (times @ weight)


@lru_cache(maxsize=8)
def resampled(n: int, draws: int, seed: int) -> np.ndarray:
    """How often each of n units is drawn: (draws, n), each row a sample with replacement."""
    return np.random.default_rng(seed).multinomial(n, np.full(n, 1 / n), draws).astype(float)


@lru_cache(maxsize=8)
def _students_t(seeds: int, draws: int) -> np.ndarray:
    """So many values of Student's t: evenly spaced quantiles, whose tails chance does not move."""
    quantiles = t.ppf((np.arange(draws) + 0.5) / draws, seeds - 1)
    return np.random.default_rng(seeds).permutation(quantiles)


def _spread(drawn: np.ndarray, point: np.ndarray) -> np.ndarray:
    """Draws of the mean over seeds: of units, and of seeds where there are several."""
    mean = drawn.mean(1)
    seeds = len(point)
    if seeds > 1:
        mean = mean + _students_t(seeds, len(mean)) * np.std(point, ddof=1) / np.sqrt(seeds)
    return mean[~np.isnan(mean)]


def _interval(drawn: np.ndarray, point: np.ndarray) -> tuple[float, float, np.ndarray]:
    mean = _spread(drawn, point)
    if not len(mean) or np.isnan(point).any():
        return np.nan, np.nan, mean
    low, high = np.quantile(mean, [0.025, 0.975])
    return float(low), float(high), mean


def compared(drawn: np.ndarray, point: np.ndarray) -> tuple[float, float, float, float]:
    """Effect, its 95 % interval, and the two-sided p of none, of differences ``(draws, seeds)`` as
    they were drawn and ``(seeds,)`` as they are."""
    low, high, mean = _interval(drawn, point)
    if np.isnan(low):
        return float(np.mean(point)), np.nan, np.nan, np.nan
    below, above = (mean <= 0).sum() + 1, (mean >= 0).sum() + 1
    return float(np.mean(point)), low, high, min(1.0, 2 * min(below, above) / (len(mean) + 1))


def level_of(sums: _Sums) -> tuple[float, float, float]:
    """Mean over seeds of a statistic, with its 95 % interval."""
    low, high, _ = _interval(sums.drawn, sums.point)
    return float(np.mean(sums.point)), low, high
