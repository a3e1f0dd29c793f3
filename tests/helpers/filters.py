"""Networks of one convolution, with filters by hand or at random."""

import numpy as np
import torch
from torch import nn

from shapebias_utils.networks import Network


def record(weights, name="S", training="standard", **changes) -> Network:
    """A network of one convolution with these weights ``(n, 3, h, w)``."""
    weights = torch.as_tensor(np.asarray(weights), dtype=torch.float32)

    def build():
        module = nn.Sequential(nn.Conv2d(3, len(weights), weights.shape[2:], bias=False), nn.ReLU())
        with torch.no_grad():
            module[0].weight.copy_(weights)
        return module

    facts = {"dataset": "pictograms", "architecture": "AlexNet", "layers": {"conv1": "1"}}
    return Network(name, build, training=training, **facts | changes)


def bank(n=5, seed=0, size=3) -> np.ndarray:
    return np.random.default_rng(seed).normal(size=(n, 3, size, size))
