"""The loss that a recipe trains with."""

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from ..networks.branches import through
from .recipes import Recipe


def objective(
    wrapped: nn.Module, network: nn.Module, x: Tensor, y: Tensor, recipe: Recipe, bf16: bool = False
) -> tuple[Tensor, Tensor]:
    """The loss (with the recipe's penalties) and the logits of a batch, in train mode.

    `wrapped` is the network as several processes share it. Of two branches each takes its half.
    """
    wrapped.train()
    if recipe.smooth_gradients:
        x = x.detach().requires_grad_(True)
    with through(network, "both"), torch.autocast(x.device.type, torch.bfloat16, enabled=bf16):
        logits = wrapped(x)
    loss = F.cross_entropy(logits.float(), y)
    if recipe.smooth_gradients:
        # Of the batch's sum, so that an image's gradient does not hang on the batch's size.
        (slope,) = torch.autograd.grad(loss * len(y), x, create_graph=True)
        loss = loss + recipe.smooth_gradients * slope.square().sum() / len(y)
    if recipe.smooth_filters:
        loss = loss + recipe.smooth_filters * filter_roughness(network)
    return loss, logits


def filter_roughness(network: nn.Module) -> Tensor:
    """Total variation of the first convolution's filters: the mean over filters and channels of
    the summed absolute differences of neighbours, down and to the right."""
    first = next(m for m in network.modules() if isinstance(m, nn.Conv2d))
    down, right = first.weight.diff(dim=2).abs(), first.weight.diff(dim=3).abs()
    return (down.sum((2, 3)) + right.sum((2, 3))).mean()
