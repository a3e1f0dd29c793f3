"""Every measure on few images, under any number of processes, for their tables to be compared.

Run by ``torchrun``, with a folder as its argument, it leaves a file a rank there: name of the
measure and number of images -> table.
"""

import pickle
import sys
from collections.abc import Callable, Iterator
from dataclasses import replace
from itertools import product
from pathlib import Path

import pandas as pd

from shapebias_utils.datasets import ImageSet, get_dataset
from shapebias_utils.datasets.concepts import ConceptSet
from shapebias_utils.distributed import rank
from shapebias_utils.measures.ablation.cumulative import cumulative_ablation
from shapebias_utils.measures.ablation.scores import scores
from shapebias_utils.measures.dissection.dissect import dissect
from shapebias_utils.measures.dissection.preferred_images import preferred_images
from shapebias_utils.measures.predictions import predict
from shapebias_utils.measures.saliency_likeness import similarity
from shapebias_utils.measures.saliency_scores import scores as saliency_scores
from shapebias_utils.measures.smoothness.activation_tv import activation_tv
from shapebias_utils.measures.smoothness.spectra import gradient_spectrum
from shapebias_utils.networks import get_network

DATASET, NETWORK = get_dataset("pictograms"), get_network("AlexNet", "pictograms")
ATTACK = replace(DATASET.attack, steps=2, random_start=True)


def images(n: int) -> ImageSet:
    return DATASET.images("validation").subset(range(n), f"{n} images")


def stimuli(n: int) -> ImageSet:
    found = DATASET.images("cue_conflict")
    step = min(100, len(found) // n)
    return found.subset(range(0, step * n, step), f"{n} stimuli")


def concepts(n: int) -> ConceptSet:
    return DATASET.concepts("").subset(range(n), f"{n} with concepts")


MEASURES: dict[str, Callable[[int], pd.DataFrame]] = {
    "predict": lambda n: predict(NETWORK, images(n), batch_size=2),
    "predict, attacked": lambda n: predict(NETWORK, images(n), attack=ATTACK, batch_size=2),
    "scores": lambda n: scores(NETWORK, stimuli(n), layer="conv5", batch_size=2),
    "cumulative_ablation": lambda n: cumulative_ablation(NETWORK, stimuli(n), draws=1),
    "dissect": lambda n: dissect(NETWORK, concepts(n), draws=2),
    "preferred_images": lambda n: preferred_images(NETWORK, images(n), k=3, batch_size=2),
    "activation_tv": lambda n: activation_tv(NETWORK, images(n), batch_size=2),
    "saliency_scores": lambda n: saliency_scores(NETWORK, images(n), batch_size=2),
    "similarity": lambda n: similarity(
        NETWORK, images(n), distortion="scramble", level=4, method="smoothgrad", samples=2
    ),
    "gradient_spectrum": lambda n: gradient_spectrum(NETWORK, images(n), batch_size=2),
}
"""Name -> the measure of a trained network on so many images."""

IMAGES = (1, 2, 5)
"""With three processes some have no image to work on; batches of 2 leave one that is not full."""


def tables(only: str = "") -> Iterator[tuple[str, pd.DataFrame]]:
    """(measure and number of images, its table); of the measures whose names begin with `only`."""
    for name, n in product(MEASURES, IMAGES):
        if name.startswith(only):
            print(f"{name} of {n}", flush=True)  # which it was, should one fail or hang
            yield f"{name} of {n}", MEASURES[name](n)


if __name__ == "__main__":
    found = dict(tables(*sys.argv[2:]))
    (Path(sys.argv[1]) / f"rank{rank()}.pkl").write_bytes(pickle.dumps(found))
