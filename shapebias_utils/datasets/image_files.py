"""Image files as tensors: whatever their mode and format, float32 RGB in [0, 1]."""

import hashlib
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
from PIL import Image, ImageOps

from . import ImageSet
from .raster import check_size, contents_of, open_image, unreadable

if TYPE_CHECKING:
    from torch import Tensor

SUFFIXES = (".png", ".jpg", ".jpeg")
"""Of the files that are taken for images, in lower case."""


def read_image(path: str | Path, upright: bool = True) -> Image.Image:
    """The image as Pillow RGB.

    Grey and CMYK are converted, transparent pixels put on white (they would else show whatever
    colour lies under them). `upright` turns photographs as their EXIF tag says. ValueError names a
    file that cannot be read, or is larger than the limit (:mod:`.raster`).
    """
    return as_rgb(path, contents_of(path), upright)


def as_rgb(path: str | Path, contents: bytes, upright: bool = True) -> Image.Image:
    """As :func:`read_image`, of a file whose contents have been read already."""
    image = open_image(path, contents)
    try:
        return _rgb(ImageOps.exif_transpose(image) if upright else image)
    except Exception as error:  # of a damaged EXIF tag, palette or profile
        raise unreadable(path, error) from None


def _rgb(image: Image.Image) -> Image.Image:
    if image.mode.startswith("I;16"):  # 16 bits, which Pillow's own conversion cuts off at 255
        grey = np.asarray(image).astype(np.float32) / 257
        image = Image.fromarray(grey.round().clip(0, 255).astype(np.uint8))
    if image.has_transparency_data:
        image = image.convert("RGBA")
        white = Image.new("RGBA", image.size, "white")
        image = Image.alpha_composite(white, image)
    return image.convert("RGB")


def resize_and_crop(image: Image.Image, resize: int, crop: int) -> Image.Image:
    """The image with its shorter side at `resize` pixels, and of that the central `crop` x `crop`.

    As torchvision's Resize (bilinear, antialiased) and CenterCrop. ValueError if `crop` is larger
    than `resize`.
    """
    if crop > resize:
        raise ValueError(f"crop = {crop} is larger than resize = {resize}: lower it")
    from torchvision.transforms.v2 import functional as F

    return F.center_crop(F.resize(image, [resize]), [crop, crop])


def to_tensor(image: Image.Image) -> "Tensor":
    """Float32 ``(3, H, W)`` in [0, 1] from a Pillow RGB image."""
    import torch

    return torch.from_numpy(np.array(image, dtype=np.uint8)).permute(2, 0, 1).float() / 255


def load_images(
    paths: Sequence[str | Path],
    resize: int | None = None,
    crop: int | None = None,
    upright: bool = True,
    threads: int | None = None,
) -> "Tensor":
    """Float32 RGB ``(N, 3, H, W)`` in [0, 1] of the image files, decoded by several threads.

    With `resize` (and `crop`, by default the same) as :func:`resize_and_crop`, else at their own
    size, which must then be one and the same. ValueError names the first file that cannot be read,
    is larger than the limit (also once it is resized) or of another size than the first.
    """
    import torch

    def load(path: str | Path) -> "Tensor":
        image = read_image(path, upright)
        if resize is not None:
            longer = round(resize * max(image.size) / min(image.size))
            check_size(path, (longer, resize), f" with its shorter side at {resize}")
            image = resize_and_crop(image, resize, crop or resize)
        return to_tensor(image)

    if not paths:
        return torch.empty(0, 3, crop or resize or 0, crop or resize or 0)
    images = in_threads([partial(load, path) for path in paths], threads)
    for path, image in zip(paths, images, strict=True):
        if image.shape != images[0].shape:
            raise ValueError(
                f"{path} is {image.shape[2]}x{image.shape[1]}, {paths[0]} is "
                f"{images[0].shape[2]}x{images[0].shape[1]}: make all images of one size"
            )
    return torch.stack(images)


def in_threads(
    jobs: Sequence[Callable[[], "Tensor"]], threads: int | None = None
) -> "list[Tensor]":
    """What the jobs return, in their order; the first job's error where one fails.

    `threads` None: one a core, 8 at most, and one alone in a process that loads ahead: there are
    several of these.
    """
    from torch.utils.data import get_worker_info

    from ..hardware import cores

    threads = threads or (1 if get_worker_info() else min(8, cores()))
    if threads <= 1 or len(jobs) < 2:
        return [job() for job in jobs]
    with ThreadPoolExecutor(threads) as pool:
        return list(pool.map(lambda job: job(), jobs))


def photographs(paths: Sequence[Path], resize: int = 256, crop: int = 224) -> ImageSet:
    """Any image files as a set, of the size that ImageNet's have; without labels or categories.

    ValueError where two have the same name, FileNotFoundError where there is no such file.
    """
    for path in paths:
        if not path.is_file():
            raise FileNotFoundError(f"there is no image file {path}; give paths as seen from here")
    table = pd.DataFrame({"imagename": [p.name for p in paths], "label": -1, "category": ""})
    twice = table["imagename"][table["imagename"].duplicated()]
    if len(twice):
        raise ValueError(f"two images are named {twice.iloc[0]}: rename one")
    digest = hashlib.sha256(f"{resize} {crop}".encode())
    for path in paths:
        digest.update(path.name.encode() + hashlib.sha256(contents_of(path)).digest())

    def load(rows: Sequence[int]) -> "Tensor":
        return load_images([paths[i] for i in rows], resize, crop)

    return ImageSet("photographs", table, load, digest.hexdigest())
