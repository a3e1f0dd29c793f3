"""torchvision's networks: ``torchvision:resnet50/IMAGENET1K_V1``, the weights always named."""

import re
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from ...paths import CHECKPOINTS
from ..presets import Preset
from . import Published

if TYPE_CHECKING:
    from enum import Enum

    from PIL.Image import Image
    from torch import Tensor, nn

LIKE_PRETRAINED = {
    "googlenet": {"transform_input": True, "aux_logits": False, "init_weights": True},
    "inception_v3": {"transform_input": True, "init_weights": True},
}
"""What torchvision sets where it loads weights itself; ViTs are also told their images' size."""


def find(spec: str) -> Published:
    """What torchvision records of ``NAME/WEIGHTS``; ValueError lists what there is."""
    name, weights = _weights(spec)
    preset = weights.transforms()
    side = preset.crop_size[0]
    text = (
        f"shorter side {preset.resize_size[0]} px, {preset.interpolation.value}; "
        f"central {side} x {side} px"
    )
    licence = weights.meta.get("license", "BSD-3-Clause (torchvision; ImageNet: research use)")
    return Published(
        build=partial(_build, name, side),
        weights=_file(weights),
        mean=tuple(preset.mean),
        std=tuple(preset.std),
        side=side,
        fixed=weights.meta["min_size"][0] >= side,
        preset=Preset(text, partial(_see, weights)),
        order=None,
        licence=licence,
        sha256=_sha256(weights),
    )


def fetch(spec: str) -> None:
    """Download the weights by torchvision, which checks their hash."""
    _weights(spec)[1].get_state_dict(progress=True, check_hash=True)


def _weights(spec: str) -> "tuple[str, Enum]":
    from torchvision import models

    name, _, tag = spec.partition("/")
    known = models.list_models(module=models)
    if name not in known:
        raise ValueError(f"torchvision has no network {name!r}; there are {', '.join(known)}")
    offered = models.get_model_weights(name)
    tags = [weights.name for weights in offered]
    if tag not in tags:
        names = ", ".join(f"torchvision:{name}/{t}" for t in tags)
        raise ValueError(f"torchvision:{spec} does not name its weights: write {names}")
    weights = offered[tag]
    imagenet = models.ResNet50_Weights.IMAGENET1K_V1.meta["categories"]
    found = weights.meta["categories"] or []
    if found != imagenet:
        pairs = enumerate(zip([*found, *[None] * len(imagenet)], imagenet, strict=False))
        label, wanted = next((i, b) for i, (a, b) in pairs if a != b)
        raise ValueError(
            f"torchvision:{spec} has no output for {wanted!r}, ImageNet's class {label}: choose "
            "weights of a classifier"
        )
    return name, weights


def _build(name: str, side: int) -> "nn.Module":
    from torchvision import models

    settings = LIKE_PRETRAINED.get(name, {})
    if name.startswith("vit_"):
        settings = {"image_size": side}
    return models.get_model(name, weights=None, **settings)


def _see(weights: "Enum", image: "Image") -> "Tensor":
    return weights.transforms(mean=(0.0, 0.0, 0.0), std=(1.0, 1.0, 1.0))(image)


def _file(weights: "Enum") -> Path:
    """In torchvision's own cache, or where `shapebias fetch` puts the paper's networks."""
    import torch

    file = Path(weights.url).name
    ours = CHECKPOINTS / "imagenet" / file
    return ours if ours.exists() else Path(torch.hub.get_dir()) / "checkpoints" / file


def _sha256(weights: "Enum") -> str | None:
    """The first digits of the hash, which torchvision puts behind the name of the file."""
    digits = re.search(r"-([0-9a-f]{8,})\.", Path(weights.url).name)
    return digits and digits[1]
