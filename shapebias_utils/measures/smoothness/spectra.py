"""Spatial frequencies: of the first filters, and of what the decision depends on in an image.

Beyond the paper, which has smoothness only as total variation. A spectrum is the mean power at
each spatial frequency, in units of its mean over all frequencies: white noise has 1 everywhere, and
a filter bank lets that much of the noise's power through at that frequency.
"""

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from ...datasets import ImageSet
from ...distributed import add, shard
from ...networks import Network
from ..schema import OBSERVER, attributed
from ..stream import loaded, stream
from .activation_tv import exact
from .filter_matching import filter_bank

if TYPE_CHECKING:
    from torch import Tensor

VERSION = 1
BITS = 36
"""Behind the binary point of a summed share of power, of which each is at most 1."""


def ring_power(maps: "Tensor") -> "Tensor":
    """Power of each map on rings of spatial frequency: float64 ``(N, rings)`` of ``(N, C, H, H)``.

    Summed over channels and over the ring; ring k holds the frequencies of k / H cycles a pixel,
    rounded, into the corners beyond half a cycle. The rings of a map sum to its sum of squares.
    """
    import torch

    size = maps.shape[-1]
    power = torch.fft.fft2(maps.double(), norm="ortho").abs().square().sum(1)
    sums = torch.zeros(len(maps), int(rings(size).max()) + 1, dtype=torch.float64)
    return sums.index_add_(1, torch.from_numpy(rings(size)).flatten(), power.flatten(1).cpu())


def rings(size: int) -> np.ndarray:
    """The number of the ring of each frequency of a square map of `size` pixels, (size, size)."""
    one = np.fft.fftfreq(size) * size
    return np.hypot(*np.meshgrid(one, one)).round().astype(np.int64)


def _spectrum(share: np.ndarray, low: np.ndarray, high: np.ndarray, size: int) -> pd.DataFrame:
    """A row a ring, from its share of the power: `value` 1 is what white noise would have."""
    white = np.bincount(rings(size).ravel()) / size**2
    facts = {"frequency": np.arange(len(white)) / size, "share": share}
    facts |= {"value": share / white, "low": low / white, "high": high / white}
    return pd.DataFrame(facts)


def filter_spectra(
    networks: Sequence[Network], size: int = 64, draws: int = 1000, seed: int = 0
) -> pd.DataFrame:
    """Mean power spectrum of each network's first filters: a row a frequency.

    Columns: the observer, `frequency` in cycles a pixel, `share` of all power on this ring,
    `value` (mean power on the ring; 1: as over all frequencies) with its 95 % bootstrap interval
    over filters `low`, `high`, and `n` filters. Kernels are padded with zeros to `size` pixels.
    """
    import torch

    tables = []
    for network in networks:
        bank = filter_bank(network)
        padding = [(0, 0), (0, 0), *((0, size - n) for n in bank.shape[2:])]
        power = ring_power(torch.from_numpy(np.pad(bank, padding))).numpy()
        chosen = np.random.default_rng(seed).integers(0, len(power), (draws, len(power)))
        sums = power[chosen].sum(axis=1)
        low, high = np.quantile(sums / sums.sum(1, keepdims=True), [0.025, 0.975], axis=0)
        table = _spectrum(power.sum(0) / power.sum(), low, high, size)
        tables.append(attributed(table.assign(n=len(bank)), network))
    return pd.concat(tables, ignore_index=True)


def gradient_spectrum(network: Network, images: ImageSet, *, batch_size: int = 64) -> pd.DataFrame:
    """Mean power spectrum of the gradients of the loss by the image: a row a frequency.

    Columns `frequency`, `share`, `value`, `low`, `high` and `n` as from :func:`filter_spectra`,
    over images: each is taken relative to its own power, so that the few with a large loss do not
    outweigh the rest (`n` leaves out those without a gradient); the interval is the normal one of
    the mean. The gradient is that of the label's logit less the log of the sum of the others'
    exponentials: that of cross-entropy, but for a factor by which it vanishes where the network is
    sure. Streamed, and sharded over processes, the same for any number of them. ValueError for
    images without a label, that are not square, or if there are none.
    """
    import torch

    labels = torch.tensor(images.table["label"].to_numpy())
    if not len(labels) or (labels < 0).any():
        raise ValueError(f"{images.name} has no images, or some without a label: no loss to derive")
    module, size = loaded(network), tuple(images.load([0]).shape[-2:])
    if size[0] != size[1]:
        raise ValueError(f"{images.name} has images of {size}, not square ones")

    def forward(x: "Tensor", rows: list[int]) -> "Tensor":
        x.requires_grad_()
        y = labels[rows].to(x.device)[:, None]
        with torch.enable_grad():
            logits = module(x)
            others = logits.scatter(1, y, -torch.inf).logsumexp(1)
            margin = logits.gather(1, y)[:, 0] - others
            (gradient,) = torch.autograd.grad(margin.sum(), x)
        return ring_power(gradient)

    # For each ring the sum and that of the squares, and how many images have a gradient.
    sums = torch.zeros(3, int(rings(size[0]).max()) + 1, dtype=torch.int64)
    title = f"gradients of {network.name} on {images.name}"
    mine = shard(range(len(images)))
    for _, power in stream(images, forward, rows=mine, batch_size=batch_size, label=title):
        total = power.sum(1, keepdim=True)
        share = torch.where(total > 0, power / total, 0.0)
        sums[0] += exact(share, BITS).sum(0)
        sums[1] += exact(share**2, BITS).sum(0)
        sums[2] += (total > 0).sum()
    first, second, n = add(sums).numpy()
    n = int(n[0])
    mean, square = first / 2**BITS / max(n, 1), second / 2**BITS / max(n, 1)
    half = 1.96 * np.sqrt(np.maximum(square - mean**2, 0) / max(n - 1, 1))
    return _spectrum(mean, mean - half, mean + half, size[0]).assign(n=n)


def median_frequency(spectra: pd.DataFrame) -> pd.DataFrame:
    """Where the noise gain falls: the frequency below which half of the power lies.

    A row an observer with `frequency` (cycles a pixel) and, beside it, `above`, the share of the
    power above a quarter of a cycle a pixel (waves shorter than four pixels). White noise has .40
    and .80. `spectra` as from :func:`filter_spectra`.
    """
    rows = []
    for key, own in spectra.groupby(OBSERVER, sort=False):
        below = own["share"].cumsum().to_numpy()
        # Ring k reaches from k - 1/2 to k + 1/2.
        edges = own["frequency"].to_numpy() + own["frequency"].diff().median() / 2
        above = own.loc[own["frequency"] > 0.25, "share"].sum()
        facts = {"frequency": np.interp(0.5, below, edges), "above": above}
        rows.append(dict(zip(OBSERVER, key, strict=True)) | facts)
    return pd.DataFrame(rows, columns=[*OBSERVER, "frequency", "above"])
