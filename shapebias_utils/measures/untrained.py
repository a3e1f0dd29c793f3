"""Networks as they are before any training: what a measure says of chance and of architecture."""

from collections.abc import Callable, Iterable
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING

import pandas as pd

from ..datasets import ImageSet
from ..networks import Network
from .predictions import collect
from .schema import OBSERVER
from .shape_bias import shape_bias

if TYPE_CHECKING:
    from torch import nn

COLOUR = "#b8a9c9"


def untrained(networks: Iterable[Network], draws: int = 3) -> list[Network]:
    """`draws` random initialisations of each architecture among the networks.

    Their seeds are 0 to `draws` - 1; the random state stays as it is. A network without a
    checkpoint is trained by its own `build`, so that nothing is known of its initial weights: its
    architecture is left out.
    """
    first = {n.architecture: n for n in reversed(list(networks)) if n.checkpoint is not None}
    return [
        replace(
            network, name=f"{architecture}, untrained", training="untrained", checkpoint=None,
            sha256=None, build=partial(_initial, network.build, seed), seed=seed, colour=COLOUR,
        )
        for architecture, network in reversed(first.items())
        for seed in range(draws)
    ]  # fmt: skip


def bias_before_training(
    networks: Iterable[Network], images: ImageSet, draws: int = 3, decision: str = "mean"
) -> pd.DataFrame:
    """The shape bias of :func:`untrained` networks, as ``shape_bias.shape_bias`` gives it.

    Empty where there is none.
    """
    found = untrained(networks, draws)
    if not found:
        return pd.DataFrame(
            columns=[*OBSERVER, "shape_bias", "low", "high", "n", "shape", "texture"]
        )
    return shape_bias(collect(found, images, decision=decision))


def _initial(build: "Callable[[], nn.Module]", seed: int) -> "nn.Module":
    import torch

    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        return build()
