"""Hugging Face's networks: ``hf:ORG/NAME@REVISION``, or the folder of one, ``hf:path/to/folder``.

Only weights that transformers itself has the code of, as safetensors.
"""

import inspect
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from PIL import Image
from torch import Tensor, nn

from ..presets import Preset
from . import Published
from .classes import by_name

if TYPE_CHECKING:
    from transformers import BaseImageProcessor, PreTrainedConfig

WEIGHTS = "model.safetensors"
WANTED = ("config.json", "preprocessor_config.json", WEIGHTS, "README.md")


class Logits(nn.Module):
    """A network of transformers that returns its logits alone."""

    def __init__(self, network: nn.Module) -> None:
        super().__init__()
        self.network = network

    def forward(self, images: Tensor) -> Tensor:
        return self.network(images).logits


def find(spec: str) -> Published:
    """What configuration and processor of a network record; FileNotFoundError if not fetched.

    ValueError where they are of no classifier of ImageNet's classes that transformers itself has.
    """
    from transformers import AutoConfig, AutoImageProcessor

    folder = _folder(spec)
    try:
        config = AutoConfig.from_pretrained(folder, trust_remote_code=False)
        processor = AutoImageProcessor.from_pretrained(folder, trust_remote_code=False)
    except (OSError, ValueError) as error:
        reason = " ".join(str(error).split())[:200]
        raise ValueError(f"hf:{spec} is none that transformers can read: {reason}") from None
    labels = [config.id2label[i] for i in range(config.num_labels)]
    order = by_name(labels, f"hf:{spec}")
    build = partial(_build, config)
    normalises = processor.do_normalize is not False
    side = _see(processor, Image.new("RGB", (256, 256))).shape[-1]
    facts = ("do_resize", "size", "crop_pct", "resample", "do_center_crop", "crop_size")
    said = {k: v for k in facts if (v := _plain(getattr(processor, k, None))) is not None}
    return Published(
        build=build,
        weights=folder / WEIGHTS,
        mean=tuple(processor.image_mean) if normalises else (0.0, 0.0, 0.0),
        std=tuple(processor.image_std) if normalises else (1.0, 1.0, 1.0),
        side=side,
        fixed=_has_places(config),
        preset=Preset(", ".join(f"{k} {v}" for k, v in said.items()), partial(_see, processor)),
        order=order,
        licence=_licence(folder),
        loader=_load,
        revision=folder.name if folder.parent.name == "snapshots" else "",
    )


def fetch(spec: str) -> None:
    """Download configuration, processor, card and weights into Hugging Face's own cache."""
    from huggingface_hub import snapshot_download

    name, _, revision = spec.partition("@")
    snapshot_download(name, revision=revision or None, allow_patterns=list(WANTED))


def _folder(spec: str) -> Path:
    from huggingface_hub import try_to_load_from_cache

    name, _, revision = spec.partition("@")
    if Path(spec).is_dir():
        return Path(spec).resolve()
    if not revision:
        raise ValueError(
            f"hf:{spec} does not say which revision: write hf:{spec}@REVISION, a commit or a tag "
            "(main moves)"
        )
    found = try_to_load_from_cache(name, WANTED[0], revision=revision)
    if not isinstance(found, str):
        raise FileNotFoundError(f"hf:{spec} is not here: `shapebias fetch hf:{spec}` brings it")
    return Path(found).parent


def _build(config: "PreTrainedConfig") -> Logits:
    from transformers import AutoModelForImageClassification

    return Logits(AutoModelForImageClassification.from_config(config, trust_remote_code=False))


def _has_places(config: "PreTrainedConfig") -> bool:
    """Whether it has embeddings of places, which images of another size would need others of."""
    import torch

    with torch.device("meta"):
        forward = _build(config).network.forward
    return "interpolate_pos_encoding" in inspect.signature(forward).parameters


def _see(processor: "BaseImageProcessor", image: Image.Image) -> Tensor:
    return processor(image, do_normalize=False, return_tensors="pt")["pixel_values"][0]


def _plain(value: object) -> object:
    return dict(value) if hasattr(value, "items") else value


def _licence(folder: Path) -> str:
    from huggingface_hub import ModelCard

    card = folder / "README.md"
    return str((card.exists() and ModelCard.load(card).data.license) or "not stated")


def _load(module: nn.Module, path: Path) -> None:
    """The weights as transformers itself reads them; ValueError where it would make some up."""
    import torch
    from transformers import AutoModelForImageClassification

    network, report = AutoModelForImageClassification.from_pretrained(
        path.parent, trust_remote_code=False, use_safetensors=True, dtype=torch.float32,
        output_loading_info=True,
    )  # fmt: skip
    if missing := sorted(report["missing_keys"]):
        raise ValueError(
            f"{path} lacks {missing[0]!r}, which would be random: it was not saved with a "
            "classifier"
        )
    module.network.load_state_dict(network.state_dict())
