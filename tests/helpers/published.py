"""Published networks without their publishers: small, with random weights, in a cache of ours."""

from pathlib import Path

import torch
from torch import nn
from torchvision.models import ConvNeXt, SwinTransformer, VisionTransformer
from torchvision.models.convnext import CNBlockConfig

SIDE = 32
"""Of the images that the small networks are made for."""


def vit() -> nn.Module:
    return VisionTransformer(SIDE, 8, num_layers=3, num_heads=2, hidden_dim=16, mlp_dim=32)


def swin() -> nn.Module:
    return SwinTransformer([4, 4], 8, [1, 1, 1], [1, 2, 4], [4, 4])


def convnext() -> nn.Module:
    return ConvNeXt([CNBlockConfig(8, 16, 1), CNBlockConfig(16, 24, 1), CNBlockConfig(24, None, 1)])


SMALL = {"ViT": vit, "Swin": swin, "ConvNeXt": convnext}


def randomised(network: nn.Module, seed: int = 0) -> nn.Module:
    """The network in eval mode, no weight of which is zero: heads often begin so."""
    generator = torch.Generator().manual_seed(seed)
    with torch.no_grad():
        for name, value in network.named_parameters():
            spread = 1.5 * value[0].numel() ** -0.5 if value.ndim > 1 else 0.1
            value.copy_(spread * torch.randn(value.shape, generator=generator))
            if value.ndim == 1 and "norm" in name and "weight" in name:
                value.add_(1)
    return network.eval()


def cached_as(cache: Path, repository: str, revision: str = "main") -> Path:
    """The folder of a revision in a cache of Hugging Face's hub, empty."""
    folder = cache / f"models--{repository.replace('/', '--')}"
    commit = f"{sum(revision.encode()):040x}"
    (folder / "refs").mkdir(parents=True, exist_ok=True)
    (folder / "refs" / revision).write_text(commit)
    snapshot = folder / "snapshots" / commit
    snapshot.mkdir(parents=True, exist_ok=True)
    return snapshot
