"""The pictogram-sized networks without training, and random images for them."""

import torch
from torch import Tensor, nn


def build(architecture: type[nn.Module]) -> nn.Module:
    """In eval mode, its batch norms set by a batch of images, as after training."""
    torch.manual_seed(0)
    network = architecture().requires_grad_(False)
    for module in network.modules():
        if isinstance(module, nn.BatchNorm2d):
            module.momentum = 1.0
            nn.init.uniform_(module.bias, -0.5, 0.5)
    network(images(16))
    return network.eval()


def images(n: int = 3, height: int = 64, width: int = 64) -> Tensor:
    return torch.rand(n, 3, height, width, generator=torch.Generator().manual_seed(1))
