"""How wide a blur would make S respond to frequencies as R does, and S behind such a blur.

A network's response is how far each spatial frequency of an image moves its decision: the power of
the gradient there (``smoothness.spectra``). It is a property of the network, which needs no
accuracy to be compared: the other way to choose how much S is blurred.
"""

from collections.abc import Sequence
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from ...networks import Network
from ..schema import OBSERVER
from ..smoothness.spectra import median_frequency, rings
from .blur import COMPARED, SIGMAS, Blur

if TYPE_CHECKING:
    from torch import nn

COLOUR = "#edbd97"

BLURRED = "blurred"
"""The training of S behind a blur."""


def gain(sigma: float, size: int) -> np.ndarray:
    """The share of the power on each ring of frequencies (``spectra.rings``) that passes: (rings,).

    Of its kernel as it is: sampled, a narrow Gaussian passes more than the formula says.
    """
    blur = Blur(sigma)
    places = np.arange(-blur.reach, blur.reach + 1)
    waves = np.cos(2 * np.pi * np.outer(np.fft.fftfreq(size), places))
    power = (waves @ blur.weights.numpy()) ** 2
    where = rings(size).ravel()
    return np.bincount(where, np.outer(power, power).ravel()) / np.bincount(where)


def behind_blur(spectra: pd.DataFrame, sigma: float) -> pd.DataFrame:
    """The spectra of the gradients of the same networks behind a Gaussian of `sigma` pixels.

    `spectra` as from ``smoothness.spectra``, of which `share` is kept: on each ring what passes
    the blur. That images are blurred too, and gradients taken elsewhere, is left out, and so are
    the images' edges.
    """
    size = round(1 / spectra.loc[spectra["frequency"] > 0, "frequency"].min())
    passed = gain(sigma, size)[(spectra["frequency"] * size).round().astype(int)]
    power = spectra["share"] * passed
    share = power / power.groupby([spectra[c] for c in OBSERVER]).transform("sum")
    return spectra[[*OBSERVER, "frequency"]].assign(share=share)


def equal_response(spectra: pd.DataFrame, levels: Sequence[float] = SIGMAS) -> pd.DataFrame:
    """At which blur S, and the control, respond to no higher frequencies than R as it is.

    A row an observer: `level`, the first at which half of its response lies below a frequency that
    is no higher than R's; that `frequency` (cycles a pixel) as it is, `then` behind the blur, and
    of R, `target`. `level` is nan if none is wide enough. Architectures without R are left out.
    """
    about = [*OBSERVER, "level", "frequency", "then", "target"]
    if spectra.empty:
        return pd.DataFrame(columns=about)
    tables = [median_frequency(behind_blur(spectra, s)).assign(level=s) for s in levels]
    table = pd.concat(tables, ignore_index=True)
    first = table[table["level"] == levels[0]]
    robust = first[first["training"] == "robust"].groupby(["architecture", "seed"])
    targets = robust["frequency"].first()
    rows = []
    for row in first[first["training"].isin(COMPARED)].itertuples():
        target = targets.get((row.architecture, row.seed))
        if target is None:
            continue
        own = table[(table["network"] == row.network) & (table["seed"] == row.seed)]
        found = own[own["frequency"] <= target].head(1)
        level, then = found[["level", "frequency"]].iloc[0] if len(found) else (np.nan, np.nan)
        rows.append([*(getattr(row, c) for c in OBSERVER), level, row.frequency, then, target])
    return pd.DataFrame(rows, columns=about)


def blurred(network: Network, sigma: float) -> Network:
    """The network behind a fixed blur, as one of its own: what it says of images is what the
    network says of blurred ones."""
    return replace(
        network, name=f"{network.name}, blurred", training=BLURRED, checkpoint=None, sha256=None,
        build=partial(_behind, network, sigma), layers={}, colour=COLOUR,
    )  # fmt: skip


def _behind(network: Network, sigma: float) -> "nn.Module":
    from torch import nn

    return nn.Sequential(Blur(sigma), network.load())
