"""How images are prepared for a network by the library that published it: resizing and cropping.

Stimuli have the size of a network's input already, and are fed as they are ("native"). Its preset
resizes them once more and cuts their borders off ("preset"), which moves a shape bias by some
points: which of the two it was belongs to every result.
"""

import hashlib
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from typing import TYPE_CHECKING

from ..datasets import ImageSet

if TYPE_CHECKING:
    from PIL.Image import Image
    from torch import Tensor

    from . import Network

TRANSFORMS = ("native", "preset")


@dataclass(frozen=True)
class Preset:
    """A preparation of images: `text` says which, `see` makes of a Pillow RGB image a tensor.

    Float ``(3, H, W)`` in [0, 1]: resized and cropped, but not normalised, as a network's record
    wants it.
    """

    text: str
    see: "Callable[[Image], Tensor]" = field(repr=False, compare=False)


def _resized_and_cropped(image: "Image", resize: int, crop: int) -> "Tensor":
    from ..datasets.image_files import resize_and_crop, to_tensor

    return to_tensor(resize_and_crop(image, resize, crop))


def resized_and_cropped(resize: int = 256, crop: int = 224) -> Preset:
    """The shorter side at `resize` pixels, bilinear, and of that the central `crop` x `crop`.

    By default what torchvision's first networks were trained for.
    """
    text = f"shorter side {resize} px, bilinear; central {crop} x {crop} px"
    return Preset(text, partial(_resized_and_cropped, resize=resize, crop=crop))


def seen_through(networks: "Iterable[Network]", stimuli_transform: str) -> "list[Network]":
    """The networks, each to see stimuli natively or by its own preset; the latter say so in their
    names.

    ValueError for another `stimuli_transform`, and for a network whose record has no preset.
    """
    if stimuli_transform not in TRANSFORMS:
        raise ValueError(
            f"unknown stimuli_transform {stimuli_transform!r}; choose {' or '.join(TRANSFORMS)}"
        )
    if stimuli_transform == "native":
        return list(networks)
    found = []
    for network in networks:
        if network.preset is None:
            raise ValueError(
                f"{network.name} has no preset: give its record one "
                "(preset=resized_and_cropped(256, 224)), or take stimuli_transform native"
            )
        if network.stimuli_transform != stimuli_transform:
            network = replace(
                network,
                name=f"{network.name} ({stimuli_transform})",
                stimuli_transform=stimuli_transform,
            )
        found.append(network)
    return found


def seen_by(network: "Network", images: ImageSet) -> ImageSet:
    """The images as the network is to see them: themselves, or prepared by its preset.

    Then name and digest are others, so that results are never mistaken for each other's.
    """
    if network.stimuli_transform == "native":
        return images
    preset = network.preset

    def load(rows: Sequence[int]) -> "Tensor":
        import torch
        from torchvision.transforms.v2.functional import to_pil_image

        loaded = images.load(rows)
        if not len(loaded):
            return loaded
        bytes_ = (255 * loaded).round().to(torch.uint8)  # as they are in the files
        return torch.stack([preset.see(to_pil_image(image)) for image in bytes_])

    digest = hashlib.sha256(f"{images.digest}\n{preset.text}".encode()).hexdigest()
    return replace(images, name=f"{images.name}-preset", digest=digest, load=load, augment=None)
