"""The small networks on Tiny ImageNet: their recipes, and what comes of them.

The recipes are of the same form as those on pictograms, and of about as many steps, that two slow
cores may go through them: 2,436 for S, then 1,218.
"""

from collections.abc import Iterable
from dataclasses import replace

import pandas as pd

from ..attacks import Attack
from ..datasets import Dataset
from ..distortions import get_distortion
from ..measures.photographs import TRANSFORMED, observations
from ..measures.statistics import effects
from ..networks import networks_there
from ..results import store
from .recipes import Recipe
from .studies import round_to_half

_ONWARDS = Recipe(epochs=6, rate=0.03, start="standard")
_PGD3 = Attack(eps=1.0, step_size=0.5, steps=3, use_best=False)
_ROBUST = replace(_ONWARDS, attack=_PGD3, ramp=0.5, rising_steps=True)


def _recipes() -> dict[str, Recipe]:
    """S from scratch; R (at eps 1 or 2) and its control go on from S for as many epochs."""
    return {
        "standard": Recipe(epochs=12, rate=0.05),
        "robust": _ROBUST,
        "robust-eps2": replace(_ROBUST, attack=_PGD3.scaled(2.0)),
        "control": _ONWARDS,
    }


TINY_IMAGENET = {"AlexNet": _recipes(), "ResNet": _recipes()}
"""Architecture -> training -> recipe."""


def study(dataset: Dataset, seeds: Iterable[int] = (0, 1, 2)) -> pd.DataFrame:
    """The effects of training at eps 1 and 2 on photographs, over all networks that there are.

    A row a quantity (``measures.photographs``), architecture, training and what it is compared
    with, as from ``statistics.effects``. Networks are measured as they are shipped, in half
    precision. Kept as ``data/results/<dataset>/photographs.csv``, beside the hashes of the networks
    and images. FileNotFoundError where there are no networks or no images.
    """
    networks = networks_there(dataset.name, seeds)
    if not networks:
        raise FileNotFoundError(
            f"no networks of {dataset.name} are trained: `shapebias train --all "
            f"--dataset {dataset.name}`"
        )
    for network in networks:
        round_to_half(network)
    trainings = [kind for kind in dataset.recipes()["AlexNet"] if kind.startswith("robust")]
    table = effects(observations(networks, dataset), of=trainings)
    about = {f"{n.name} {n.seed}": n.checkpoint_hash()[:16] for n in networks}
    splits = "train", "validation", "cue_conflict"
    about |= {split: dataset.images(split).digest for split in splits}
    about |= {name: get_distortion(name).version for name, _ in TRANSFORMED}
    store(table, dataset.name, "photographs", about)
    return table
