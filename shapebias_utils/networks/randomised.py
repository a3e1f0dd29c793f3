"""Networks whose weights were drawn anew: what a measure shows of them, training did not bring.

The test of Adebayo et al. (2018, *Sanity checks for saliency maps*): maps that look the same for a
network without training are maps of the image, not of what the network has learnt.
"""

from dataclasses import replace
from typing import TYPE_CHECKING

from . import Network

if TYPE_CHECKING:
    from torch import nn

TRAINING, COLOUR = "randomised", "#c9c9c9"


def randomised(network: Network) -> Network:
    """The network with all its layers as they were before training, drawn from its seed."""

    def build() -> "nn.Module":
        import torch

        module = network.build()
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(network.seed)
            for own in module.modules():
                if hasattr(own, "reset_parameters"):
                    own.reset_parameters()
        return module

    name = f"{network.architecture}-{TRAINING}"
    facts = {"training": TRAINING, "colour": COLOUR, "checkpoint": None, "sha256": None}
    return replace(network, name=name, build=build, **facts)
