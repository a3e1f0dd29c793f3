"""Intervals and corrections: what a share, a mean or several tests are worth."""

import numpy as np
from scipy.stats import norm


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
