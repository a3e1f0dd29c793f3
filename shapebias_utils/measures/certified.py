"""Certified radius by randomized smoothing (Cohen, Rosenfeld & Kolter 2019).

The smoothed network says what the network says most often of noisy copies of an image. If it says
so with a probability of at least p, no change of the image shorter than ``sigma * ppf(p)`` in L2
alters that. Lengths are those of pixels in [0, 1], as everywhere.
"""

import zlib
from collections.abc import Sequence

import numpy as np
import pandas as pd
from scipy.stats import beta, norm

from ..datasets import ImageSet
from ..distributed import merge, shard
from ..networks import Network
from .schema import OBSERVER
from .statistics import wilson_interval
from .stream import loaded, stream

VERSION = 1


def radius(count: np.ndarray, n: int, sigma: float, alpha: float = 0.001) -> np.ndarray:
    """The certified radius where `count` of `n` noisy copies got the class that was guessed.

    ``sigma * ppf(p)`` of the lower bound p on its probability (Clopper-Pearson, one-sided, wrong
    with probability `alpha`); 0, an abstention, where p is not above 1/2.
    """
    count = np.asarray(count, float)
    with np.errstate(invalid="ignore"):
        lower = np.where(count > 0, beta.ppf(alpha, count, n - count + 1), 0.0)
    return sigma * norm.ppf(np.maximum(lower, 0.5))


def certified(
    network: Network,
    images: ImageSet,
    *,
    sigma: float,
    guesses: int = 16,
    copies: int = 128,
    alpha: float = 0.001,
    seed: int = 0,
    batch_size: int = 64,
) -> pd.DataFrame:
    """Each image's prediction by the smoothed network, and the radius it is certified in.

    A row an image: `trial` (from 1), `imagename`, `label`, `prediction` (the most frequent class of
    `guesses` noisy copies; -1, an abstention, where the radius is 0), `radius`, and whether the
    prediction is `correct`. The radius comes from `copies` others (:func:`radius`). Noise is keyed
    by `seed` and the image's name, so that any number of processes finds the same. ValueError if
    sigma is not above 0.
    """
    import torch

    if not sigma > 0:
        raise ValueError(f"sigma = {sigma}: noise must have a standard deviation above 0")
    rows = list(shard(range(len(images))))
    names, module = images.table["imagename"], loaded(network)

    def said(x: "torch.Tensor", of: int, draw: "torch.Generator") -> "torch.Tensor":
        counts = torch.zeros(network.n_classes, dtype=torch.int64)
        for first in range(0, of, batch_size):
            shape = (min(batch_size, of - first), *x.shape)
            noisy = x + sigma * torch.randn(shape, generator=draw).to(x)
            noisy = noisy.contiguous(memory_format=torch.channels_last)
            found = module(noisy).argmax(1).cpu()
            counts += torch.bincount(found, minlength=network.n_classes)
        return counts

    def forward(x: "torch.Tensor", rows: list[int]) -> "torch.Tensor":
        found = torch.zeros(len(x), 2, dtype=torch.int64)
        with torch.no_grad():
            for i, name in enumerate(names.iloc[rows]):
                draw = torch.Generator().manual_seed(zlib.crc32(f"{seed}:{name}".encode()))
                guess = int(said(x[i], guesses, draw).argmax())
                found[i] = torch.tensor([guess, int(said(x[i], copies, draw)[guess])])
        return found

    title = f"{network.name} on noisy {images.name}"
    parts = [np.empty((0, 2), int)]
    for _, part in stream(images, forward, rows=rows, batch_size=1, label=title):
        parts.append(part.numpy())
    guess, count = np.concatenate(parts).T
    reach = radius(count, copies, sigma, alpha)
    label = images.table["label"].to_numpy()[rows]
    table = pd.DataFrame(
        {
            "trial": np.array(rows, int) + 1,
            "imagename": names.to_numpy()[rows],
            "label": label,
            "prediction": np.where(reach > 0, guess, -1),
            "radius": reach,
            "correct": (guess == label) & (reach > 0),
        }
    )
    return merge(table, by="trial")


def certified_accuracy(
    table: pd.DataFrame, radii: Sequence[float] = (0.0, 0.1, 0.2, 0.3, 0.4)
) -> pd.DataFrame:
    """Share of images that are right and certified beyond each radius: a row an observer, radius.

    `table` as from ``schema.collected(certified, ...)``. Columns: the observer, `radius`,
    `accuracy` with its 95 % Wilson interval `low`, `high`, and `n`.
    """
    rows = []
    for key, own in table.groupby(OBSERVER, sort=False):
        for reach in radii:
            right = (own["correct"] & (own["radius"] > reach)).sum()
            rows.append(
                (*key, reach, right / len(own), *wilson_interval(right, len(own)), len(own))
            )
    return pd.DataFrame(rows, columns=[*OBSERVER, "radius", "accuracy", "low", "high", "n"])
