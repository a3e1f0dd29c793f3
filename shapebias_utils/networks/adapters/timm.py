"""timm's networks: ``timm:resnet50.a1_in1k``, the tag of the weights always named."""

from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from ..presets import Preset
from . import Published
from .classes import by_wnid

if TYPE_CHECKING:
    from PIL.Image import Image
    from timm.models import PretrainedCfg
    from torch import Tensor, nn

FILES = ("model.safetensors", "pytorch_model.bin")
"""Of a repository of weights, in the order in which timm prefers them."""


def find(spec: str) -> Published:
    """What timm records of ``NAME.TAG``; ValueError for others, and for outputs that lack one of
    ImageNet's classes."""
    import timm
    from timm.data import ImageNetInfo, infer_imagenet_subset, resolve_data_config

    record = _record(spec).to_dict()
    config = resolve_data_config(pretrained_cfg=record)
    side = config["input_size"][1]
    subset = infer_imagenet_subset(record)
    if subset is None:
        raise ValueError(
            f"timm:{spec} has {record['num_classes']} outputs, which no list of ImageNet's classes "
            "that timm knows has: choose weights of a classifier"
        )
    outputs, classes = (ImageNetInfo(s).label_names() for s in (subset, "imagenet-1k"))
    text = (
        f"{config['crop_mode']} crop of {config['crop_pct']:.4g}, {config['interpolation']}; "
        f"{side} x {side} px"
    )
    return Published(
        build=partial(timm.create_model, spec, pretrained=False),
        weights=_file(record),
        mean=tuple(config["mean"]),
        std=tuple(config["std"]),
        side=side,
        fixed=bool(record.get("fixed_input_size")),
        preset=Preset(text, partial(_see, tuple(sorted(config.items())))),
        order=by_wnid(outputs, classes, f"timm:{spec}"),
        licence=record.get("license") or "not stated",
        loader=partial(_load, spec),
    )


def fetch(spec: str) -> None:
    """Download the weights by timm, into its own cache."""
    import timm

    _record(spec)
    timm.create_model(spec, pretrained=True)


def _record(spec: str) -> "PretrainedCfg":
    import timm

    name, _, tag = spec.partition(".")
    known = timm.list_pretrained(f"{name}*")
    if not tag or spec not in known:
        same = [k for k in known if k.split(".")[0] == name] or known[:8]
        listed = ", ".join(f"timm:{k}" for k in same) or "none like it: see timm.list_pretrained()"
        raise ValueError(f"timm has no weights {spec!r}, with their tag; there are {listed}")
    return timm.get_pretrained_cfg(spec)


def _see(config: tuple[tuple[str, object], ...], image: "Image") -> "Tensor":
    from timm.data import create_transform

    plain = dict(config) | {"mean": (0.0, 0.0, 0.0), "std": (1.0, 1.0, 1.0)}
    return create_transform(**plain)(image)


def _file(record: dict) -> Path:
    """The weights in the caches that timm uses; where they would be if they are not there."""
    import torch
    from huggingface_hub import constants, try_to_load_from_cache

    repository, named = record.get("hf_hub_id"), record.get("hf_hub_filename")
    if repository:
        repository, _, revision = repository.partition("@")
        for file in (named,) if named else FILES:
            path = try_to_load_from_cache(repository, file, revision=revision or None)
            if isinstance(path, str):
                return Path(path)
    url = Path(record.get("url") or "weights").name
    fetched = Path(torch.hub.get_dir()) / "checkpoints" / url
    absent = Path(constants.HF_HUB_CACHE) / f"{repository} (not fetched)"
    return fetched if fetched.exists() or not repository else absent


def _load(spec: str, module: "nn.Module", path: Path) -> None:
    """The weights as timm itself reads them, which may convert them."""
    import timm

    where = {"file": str(path), "custom_load": path.suffix == ".npz"}
    network = timm.create_model(spec, pretrained=True, pretrained_cfg_overlay=where)
    module.load_state_dict(network.state_dict())
