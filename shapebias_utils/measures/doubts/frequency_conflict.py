"""Low frequencies of one image, high ones of another: where the two weigh the same, by network.

Hybrid images (Oliva, Torralba & Schyns 2006). If shape bias were a preference of low frequencies,
R would go on deciding by the low ones where S does not any more.
"""

import hashlib
from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import pandas as pd

from ...categories import CATEGORIES
from ...datasets import ImageSet
from ...networks import Network
from ..predictions import collect_each
from .blur import VERSION as BLUR_VERSION
from .blur import Blur

VERSION = 1

CUTOFFS = (4, 8, 12, 16)
"""Cycles an image at which the low image is at half its amplitude."""

AXIS = "cutoff (cycles an image)"


def deviation(cutoff: float, size: int) -> float:
    """The Gaussian, in pixels, whose gain is one half at so many cycles an image of that size."""
    return float(np.sqrt(2 * np.log(2)) * size / (2 * np.pi * cutoff))


def partners(table: pd.DataFrame) -> tuple[np.ndarray, np.ndarray]:
    """(Rows of the low image, rows of the high one): each image once as either, as far as may be.

    The k-th image of a category goes with one of the (k mod 15)-th category behind its own, of
    those that there are: pairs of categories are balanced. Images without a category are left out;
    ValueError if all are of one.
    """
    rows = {c: own.to_numpy() for c, own in table.groupby("category").groups.items() if c}
    known = [c for c in CATEGORIES if c in rows]
    if len(known) < 2:
        raise ValueError(f"images of {len(known)} category make no conflict: give those of more")
    low, high, used = [], [], dict.fromkeys(known, 0)
    for place, category in enumerate(known):
        for k, row in enumerate(rows[category]):
            other = known[(place + 1 + k % (len(known) - 1)) % len(known)]
            low.append(row)
            high.append(rows[other][used[other] % len(rows[other])])
            used[other] += 1
    return np.array(low), np.array(high)


def hybrids(images: ImageSet, cutoff: float) -> ImageSet:
    """Hybrids of the images, named as cue-conflict images are, the low one's category first.

    ``low_pass(a) + b - low_pass(b)``, clipped to [0, 1]. In ``schema.with_cues``, `shape_bias` and
    ``psychometric`` "shape" is what is decided by the low frequencies, "texture" by the high.
    """
    low, high = partners(images.table.reset_index(drop=True))
    category = images.table["category"].to_numpy()
    pairs = zip(category[low], category[high], strict=True)
    table = pd.DataFrame({"imagename": [f"{a}{i}-{b}{i}.png" for i, (a, b) in enumerate(pairs, 1)]})
    table = table.assign(category=category[low], label=-1, texture_category=category[high])
    facts = [images.digest, float(cutoff), VERSION, BLUR_VERSION]

    def load(rows: Sequence[int]):
        a, b = (images.load([int(which[r]) for r in rows]) for which in (low, high))
        blur = Blur(deviation(cutoff, a.shape[-1]))
        return (blur(a) + b - blur(b)).clamp(0, 1)

    return replace(
        images,
        name=f"{images.name}-hybrid-{cutoff:g}",
        table=table,
        load=load,
        digest=hashlib.sha256(repr(facts).encode()).hexdigest(),
        augment=None,
    )


def along(
    networks: list[Network], images: ImageSet, cutoffs: Sequence[float] = CUTOFFS
) -> pd.DataFrame:
    """The trials of all networks on the hybrids at each cutoff, as ``psychometric.along`` has them.

    So ``psychometric.curves`` and ``balance`` give the share decided by the low frequencies and the
    cutoff at which both weigh the same.
    """
    sets = {(AXIS, float(cutoff)): hybrids(images, cutoff) for cutoff in cutoffs}
    return collect_each(networks, sets, ["axis", "level"])
