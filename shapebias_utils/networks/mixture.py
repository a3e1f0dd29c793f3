"""Two networks that answer as one."""

import math
from typing import TYPE_CHECKING

import torch
from torch import Tensor, nn

if TYPE_CHECKING:
    from . import Network


class Mixture(nn.Module):
    """Logits whose softmax is ``(1 - weight)`` of the first network's and `weight` of the other's.

    With a weight of 0 or 1 only that network runs, and its own logits are returned.
    """

    def __init__(self, first: nn.Module, other: nn.Module, weight: float) -> None:
        super().__init__()
        self.first, self.other, self.weight = first, other, weight

    def forward(self, x: Tensor) -> Tensor:
        if self.weight in (0, 1):
            return (self.other if self.weight else self.first)(x)
        first, other = (n(x).float().log_softmax(1) for n in (self.first, self.other))
        return torch.logaddexp(first + math.log(1 - self.weight), other + math.log(self.weight))

    def extra_repr(self) -> str:  # the key of a result holds what a network prints
        return f"weight={self.weight:g}"


def mixed(first: "Network", other: "Network", weight: float) -> Mixture:
    """The mixture of two trained networks."""
    return Mixture(first.load(), other.load(), weight)
