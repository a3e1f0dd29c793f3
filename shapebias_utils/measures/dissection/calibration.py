"""From which IoU on a channel detects a concept: what it reaches with other images' labels.

An IoU of .04 is worth little where a concept is on many pixels, and much where it is on few. So
the labels are permuted among the images, and each concept gets the threshold that holds the rate
of channels called a detector of anything, when there is nothing to detect, to 5 %.
"""

import hashlib

import numpy as np

from ...datasets.concepts import ConceptSet

VERSION = 1

RATE = 0.05
"""Share of channels without relation to the labels that are called detectors of some concept."""


def permutations(concepts: ConceptSet, n: int, seed: int = 0) -> np.ndarray:
    """Whose labels each image gets in each of `n` permutations: row numbers (n, images).

    Labels are exchanged among images of one kind only (``ConceptSet.strata``), so that pictures
    keep labels of pictures and swatches those of swatches: what a channel reaches on these it
    reaches because images of a kind have something in common, such as objects in the middle.
    Keyed by the images' names, so that their order does not matter.
    """
    names = concepts.images.table["imagename"].to_numpy(str)
    strata = concepts.strata()
    found = np.tile(np.arange(len(names)), (n, 1))
    for own, kind in ((np.flatnonzero(strata == kind), kind) for kind in np.unique(strata)):
        own = own[np.argsort(names[own], kind="stable")]
        key = int(hashlib.sha256(f"{seed} {kind}".encode()).hexdigest()[:15], 16)
        rng = np.random.default_rng(key)
        for row in found:
            row[own] = own[rng.permutation(len(own))]
    return found


def calibrated(null: np.ndarray, rate: float = RATE) -> np.ndarray:
    """The threshold of each concept (concepts,): what exceeds it detects that concept.

    `null` (draws, concepts) are IoUs reached by chance, a draw being a channel under one
    permutation. All concepts are equally often exceeded by chance, as often as keeps the share of
    draws in which *any* is exceeded to `rate` (Westfall & Young 1993, single step): at most k
    draws exceed a concept's threshold, its (k + 1)-th largest value, with the largest such k.
    ValueError without draws.
    """
    draws = len(null)
    if not draws:
        raise ValueError("there are no permutations to calibrate thresholds by")
    ordered = np.sort(null, axis=0)
    best = np.full(draws, draws)  # the fewest draws, over concepts, that do at least as well
    for own, values in zip(null.T, ordered.T, strict=True):
        if values[-1] > 0:
            best = np.minimum(best, draws - np.searchsorted(values, own, side="left"))
    # So many draws may exceed a threshold: those whose best is at most k.
    allowed = min(int(np.floor(rate * draws)), draws - 1)
    k = int(np.sort(best)[allowed]) - 1
    return ordered[draws - 1 - k]
