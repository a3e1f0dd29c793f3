"""At which spatial frequencies a corruption changes images, and whether R's gain follows them.

Yin et al. (NeurIPS 2019) find that adversarial training helps against corruptions of high
frequencies and harms against those of low ones: what a corruption changes, the corrupted image less
the clean one, is taken apart by frequency.
"""

from collections.abc import Sequence

import numpy as np
import pandas as pd
from scipy.stats import rankdata

from ..datasets import Dataset, ImageSet
from ..distortions.imagenet_c import CORRUPTIONS, corrupted, there
from .smoothness.spectra import ring_power
from .statistics import EFFECTS, compared, corrected

CUT = 0.25
"""Cycles a pixel: frequencies above are high. Half of what a row of pixels can hold, as in 05."""

FOLLOWS = "gain by high frequency"
"""The quantity of :func:`gain_by_frequency`."""


def high_shares(
    dataset: Dataset,
    images: ImageSet,
    names: Sequence[str] = tuple(CORRUPTIONS),
    seed: int = 0,
) -> pd.DataFrame:
    """The share of a corruption's energy at high frequencies: a row a corruption and severity.

    Columns `distortion`, `level`, `high` (the share of the energy of the change above `CUT`),
    `change` (its root mean square, in [0, 1]) and `n` images. The same corrupted images as networks
    are shown. `high` is 0 where nothing changes. ValueError for images that are not square.
    """
    clean = images.load(range(len(images)))
    if clean.shape[-1] != clean.shape[-2]:
        raise ValueError(f"{images.name} has images of {tuple(clean.shape[-2:])}, not square ones")
    rows = []
    for name in there(dataset, names):
        made = corrupted(dataset, images, name, seed)
        for level, own in made.table.groupby("level").indices.items():
            power = ring_power(made.load(own.tolist()) - clean).numpy().sum(0)
            above = power[np.arange(len(power)) / clean.shape[-1] > CUT].sum()
            change = np.sqrt(power.sum() / clean.numel())
            rows.append((name, level, above / (power.sum() or 1), change, len(images)))
    return pd.DataFrame(rows, columns=["distortion", "level", "high", "change", "n"])


def by_corruption(shares: pd.DataFrame) -> pd.Series:
    """Corruption -> mean over its severities of :func:`high_shares`, the highest first."""
    means = shares.groupby("distortion", sort=False)["high"].mean()
    return means.sort_values(ascending=False, kind="stable")


def gain_by_frequency(
    trials: pd.DataFrame,
    shares: pd.DataFrame,
    against: Sequence[str] = ("standard", "control"),
    draws: int = 2000,
    seed: int = 0,
) -> pd.DataFrame:
    """Does R gain more where a corruption is of higher frequency? Spearman's rank correlation.

    Over corruptions, between their share of high frequencies and the accuracy of R less that of the
    network it is held `against`. `trials` as from ``corruptions.on_corrupted``, `shares` as from
    :func:`high_shares`. Columns as of ``statistics.effects``: `effect` is the correlation (the mean
    over seeds), its interval from drawing both corruptions and images again, `n` the corruptions.
    """
    high, rows = by_corruption(shares), []
    scores = trials.assign(correct=trials["correct"].astype(float)).pivot_table(
        index=["architecture", "seed", "imagename"], columns=["training", "distortion"],
        values="correct",
    )  # fmt: skip
    names = [name for name in high.index if ("robust", name) in scores]
    for architecture, own in scores.groupby(level="architecture", sort=False):
        for other in against:
            if len(names) < 3 or (other, names[0]) not in own:
                continue
            change = (own["robust"][names] - own[other][names]).dropna()
            found = [
                _correlations(part.to_numpy(), high[names].to_numpy(), draws, seed)
                for _, part in change.groupby(level="seed")
            ]
            point, drawn = (np.stack([f[i] for f in found], -1) for i in (0, 1))
            facts = *compared(drawn, point), *[np.nan] * 8, len(names), len(point)
            rows.append((FOLLOWS, architecture, "robust", other, *facts))
    return corrected(pd.DataFrame(rows, columns=list(EFFECTS)))


def _correlations(
    change: np.ndarray, high: np.ndarray, draws: int, seed: int
) -> tuple[np.ndarray, np.ndarray]:
    """Spearman's correlation of `high` with the columns' means of `change` (images, corruptions).

    As it is, and `draws` times with images and corruptions drawn again.
    """
    n, kinds = change.shape
    generator = np.random.default_rng(seed)
    times = generator.multinomial(n, np.full(n, 1 / n), draws)
    chosen = generator.integers(0, kinds, (draws, kinds))
    gains = np.take_along_axis(times @ change / n, chosen, axis=1)
    return _spearman(high[None], change.mean(0)[None])[0], _spearman(high[chosen], gains)


def _spearman(first: np.ndarray, second: np.ndarray) -> np.ndarray:
    """Rank correlation row by row; nan where a row is constant."""
    ranks = [rankdata(x, axis=1) for x in (first, second)]
    one, two = (r - r.mean(1, keepdims=True) for r in ranks)
    with np.errstate(invalid="ignore"):
        return (one * two).sum(1) / np.sqrt((one**2).sum(1) * (two**2).sum(1))
