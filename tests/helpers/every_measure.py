"""Every measure on few images, under any number of processes, for their tables to be compared.

Run by ``torchrun``, with a folder as its argument, it leaves a file a rank there: name of the
measure and number of images -> table.
"""

import pickle
import sys
from collections.abc import Callable, Iterator
from dataclasses import replace
from functools import partial
from pathlib import Path

import pandas as pd

from shapebias_utils.datasets import get_dataset
from shapebias_utils.distributed import rank
from shapebias_utils.measures.ablation.cumulative import cumulative_ablation
from shapebias_utils.measures.ablation.scores import scores
from shapebias_utils.measures.dissection.dissect import dissect
from shapebias_utils.measures.dissection.preferred_images import preferred_images
from shapebias_utils.measures.predictions import predict
from shapebias_utils.measures.smoothness.activation_tv import activation_tv
from shapebias_utils.measures.smoothness.spectra import gradient_spectrum
from shapebias_utils.networks import get_network

IMAGES = (1, 2, 5)
"""With three processes some have no image to work on; batches of 2 leave one that is not full."""


def measures(n: int) -> dict[str, Callable[[], pd.DataFrame]]:
    """Name -> the measure of the trained AlexNet on the first `n` images."""
    network, dataset = get_network("AlexNet", "pictograms"), get_dataset("pictograms")
    images = dataset.images("validation").subset(range(n), f"{n} images")
    stimuli = dataset.images("cue_conflict").subset(range(0, 100 * n, 100), f"{n} stimuli")
    concepts = dataset.concepts("").subset(range(n), f"{n} with concepts")
    attack = replace(dataset.attack, steps=2, random_start=True)
    return {
        "predict": partial(predict, network, images, batch_size=2),
        "predict, attacked": partial(predict, network, images, attack=attack, batch_size=2),
        "scores": partial(scores, network, stimuli, layer="conv5", batch_size=2),
        "cumulative_ablation": partial(cumulative_ablation, network, stimuli, draws=1),
        "dissect": partial(dissect, network, concepts, draws=2),
        "preferred_images": partial(preferred_images, network, images, k=3, batch_size=2),
        "activation_tv": partial(activation_tv, network, images, batch_size=2),
        "gradient_spectrum": partial(gradient_spectrum, network, images, batch_size=2),
    }


def tables(only: str = "") -> Iterator[tuple[str, pd.DataFrame]]:
    """(measure and number of images, its table); of the measures whose names begin with `only`."""
    for n in IMAGES:
        for name, measure in measures(n).items():
            if name.startswith(only):
                print(f"{name} of {n}", flush=True)  # which it was, should one fail or hang
                yield f"{name} of {n}", measure()


if __name__ == "__main__":
    found = dict(tables(*sys.argv[2:]))
    (Path(sys.argv[1]) / f"rank{rank()}.pkl").write_bytes(pickle.dumps(found))
