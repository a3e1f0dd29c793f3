"""Weights and paintings that distortions need and that you bring: nothing is fetched unasked."""

import hashlib
from collections.abc import Callable
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from PIL import Image

from ..datasets.image_files import SUFFIXES, read_image
from ..files import atomic, sha256
from ..paths import CHECKPOINTS, RAW, Download

if TYPE_CHECKING:
    from torch import nn

_ADAIN = "https://github.com/naoto0804/pytorch-AdaIN/releases/download/v0.0.0"

MASK_RCNN = Download(
    "maskrcnn",
    "https://download.pytorch.org/models/maskrcnn_resnet50_fpn_v2_coco-73cbd019.pth",
    "73cbd019",
    CHECKPOINTS / "imagenet" / "maskrcnn_resnet50_fpn_v2_coco-73cbd019.pth",
    186,
    "for silhouettes of photographs: torchvision, BSD-3-Clause; trained on COCO",
)
ENCODER = Download(
    "adain_encoder",
    f"{_ADAIN}/vgg_normalised.pth",
    "804ca2835ecf7539f0cd2a7ac3c18ce81e6f8468969ae7117ac0c148d286bb4a",
    CHECKPOINTS / "imagenet" / "vgg_normalised.pth",
    80,
    "for stylized photographs: naoto0804/pytorch-AdaIN, MIT",
)
DECODER = Download(
    "adain_decoder",
    f"{_ADAIN}/decoder.pth",
    "379ca41d59f3a37eed3599bbbc2560c19da5c458870a5ffd3a9dd41aa88f9472",
    CHECKPOINTS / "imagenet" / "decoder.pth",
    14,
    "for stylized photographs: naoto0804/pytorch-AdaIN, MIT",
)
VGG19 = Download(
    "vgg19_caffe",
    "https://web.eecs.umich.edu/~justincj/models/vgg19-d01eb7cb.pth",
    "d01eb7cb",
    CHECKPOINTS / "imagenet" / "vgg19-d01eb7cb.pth",
    575,
    "for photographs stylized by Gatys et al.: Simonyan & Zisserman 2014, CC BY 4.0",
)
WEIGHTS = (MASK_RCNN, ENCODER, DECODER, VGG19)

PAINTINGS = RAW / "paintings"
PAINTINGS_FROM = "train.zip of https://www.kaggle.com/c/painter-by-numbers/data (38 GB, your copy)"
DISTORTED = RAW / "distorted"
"""Photographs distorted at great expense, kept by the hash of all they were made from."""


def require(*records: Download) -> str:
    """The hashes of these files; FileNotFoundError names the command that brings a missing one."""
    for record in records:
        if not record.path.exists():
            raise FileNotFoundError(
                f"no weights at {record.path}: `shapebias fetch {record.name}` brings them "
                f"({record.megabytes} MB; {record.note})"
            )
    return " ".join(record.sha256 for record in records)


def load_weights(module: "nn.Module", record: Download, prefix: str = "") -> "nn.Module":
    """The module with the weights of the file, in eval mode, without gradients, on the device.

    Only those that the module has are read, their names in the file behind `prefix`. ValueError
    if the file is another than the record describes, or lacks weights.
    """
    import torch

    from ..hardware import device

    require(record)
    found = sha256(record.path)
    if not found.startswith(record.sha256):
        raise ValueError(
            f"{record.path} has SHA-256 {found}, expected is {record.sha256}...: move it away and "
            f"`shapebias fetch {record.name}`"
        )
    state = torch.load(record.path, map_location="cpu", weights_only=True)
    wanted = list(module.state_dict())
    missing = [name for name in wanted if prefix + name not in state]
    if missing:
        raise ValueError(f"{record.path} has no weights {prefix}{missing[0]}: it is another file")
    module.load_state_dict({name: state[prefix + name] for name in wanted})
    return module.eval().requires_grad_(False).to(device())


def paintings() -> tuple[list[str], str]:
    """The names of the paintings, sorted, and a hash of names and file sizes.

    FileNotFoundError says where they come from.
    """
    stamp = PAINTINGS.stat().st_mtime_ns if PAINTINGS.is_dir() else 0
    names, identity = _listed(PAINTINGS, stamp)
    if not names:
        raise FileNotFoundError(
            f"no paintings at {PAINTINGS}: unpack or link there those of Stylized-ImageNet, "
            f"{PAINTINGS_FROM}, or any others"
        )
    return names, identity


@lru_cache(maxsize=4)
def _listed(folder: Path, stamp: int) -> tuple[list[str], str]:
    found = folder.iterdir() if folder.is_dir() else ()
    files = sorted((p.name, p.stat().st_size) for p in found if p.suffix.lower() in SUFFIXES)
    return [name for name, _ in files], hashlib.sha256(repr(files).encode()).hexdigest()


def painting(size: int, generator: np.random.Generator) -> np.ndarray:
    """The largest central square of a random painting, float32 ``(size, size, 3)`` in [0, 1].

    As for Stylized-ImageNet, paintings that are smaller or cannot be read are passed over.
    ValueError if that leaves none.
    """
    names, _ = paintings()
    first = int(generator.integers(len(names)))
    for name in names[first:] + names[:first]:
        try:
            found = read_image(PAINTINGS / name, upright=False)
        except ValueError:
            continue
        side = min(found.size)
        if side >= size:
            left, top = ((length - side) // 2 for length in found.size)
            square = found.crop((left, top, left + side, top + side))
            small = square.resize((size, size), Image.Resampling.LANCZOS)
            return np.asarray(small, np.float32) / 255
    raise ValueError(f"{PAINTINGS} has no painting of {size} x {size} pixels or more")


def kept(name: str, image: np.ndarray, facts: tuple, make: Callable[[], np.ndarray]) -> np.ndarray:
    """What `make()` returns, float32 ``(H, W, 3)`` in [0, 1], in 256 steps.

    Made once for an image and the `facts` that it hangs on; then read from a PNG file.
    """
    identity = hashlib.sha256(image.tobytes() + repr((image.shape, facts)).encode()).hexdigest()
    path = DISTORTED / name / identity[:2] / f"{identity}.png"
    if not path.exists():
        pixels = np.rint(255 * np.clip(make(), 0, 1)).astype(np.uint8)
        with atomic(path, durable=False) as temporary:
            Image.fromarray(pixels).save(temporary)
    return np.asarray(read_image(path), np.float32) / 255
