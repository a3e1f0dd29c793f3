"""Random changes of images for training: of a batch of tensors, and of a photograph."""

import numpy as np
import torch
import torch.nn.functional as F
from PIL import Image
from torch import Tensor

from .image_files import to_tensor


def random_resized_crop(
    images: Tensor, seed: int, area: tuple[float, float] = (0.5, 1.0)
) -> Tensor:
    """The batch, each image cropped to a random share of its area and half of them mirrored.

    As torchvision's RandomResizedCrop (aspect ratios 3/4 to 4/3, log-uniform) and
    RandomHorizontalFlip, for a whole batch at once. `images` is float ``(N, 3, H, W)``; so is
    what is returned. The same seed gives the same crops.
    """
    n, draw = len(images), torch.Generator().manual_seed(seed)

    def uniform(low: float, high: float) -> Tensor:
        return low + (high - low) * torch.rand(n, generator=draw)

    share = uniform(*area)
    ratio = torch.exp(uniform(-1, 1) * torch.log(torch.tensor(4 / 3)))
    width = (share * ratio).sqrt().clamp(max=1)
    height = (share / ratio).sqrt().clamp(max=1)
    theta = torch.zeros(n, 2, 3)
    mirror = torch.where(torch.rand(n, generator=draw) < 0.5, -1.0, 1.0)
    theta[:, 0, 0], theta[:, 1, 1] = width * mirror, height
    theta[:, 0, 2] = uniform(-1, 1) * (1 - width)
    theta[:, 1, 2] = uniform(-1, 1) * (1 - height)
    where = F.affine_grid(theta, list(images.shape), align_corners=False).to(images.device)
    return F.grid_sample(images, where, padding_mode="reflection", align_corners=False)


_EIGENVALUES = np.array([0.2175, 0.0188, 0.0045])
_EIGENVECTORS = np.array(
    [[-0.5675, 0.7192, 0.4009], [-0.5808, -0.0045, -0.8140], [-0.5836, -0.6948, 0.4203]]
)
"""Principal components of ImageNet's colours (Krizhevsky et al. 2012), a column each."""


def augmented(image: Image.Image, size: int, generator: np.random.Generator) -> Tensor:
    """Float32 ``(3, size, size)`` in [0, 1], changed at random as the paper's training did.

    RandomResizedCrop, horizontal flip, brightness, contrast and saturation by up to 10 % in random
    order, and lighting: noise of scale 0.05 along the principal colours (`robustness`'s
    data_augmentation.py; the clamp to [0, 1] it does when it normalises).
    """
    from torchvision.transforms.v2 import functional as v2

    left, top, right, bottom = random_box(image.size, generator)
    image = v2.resized_crop(image, top, left, bottom - top, right - left, [size, size])
    if generator.random() < 0.5:
        image = v2.horizontal_flip(image)
    changes = (v2.adjust_brightness, v2.adjust_contrast, v2.adjust_saturation)
    for i in generator.permutation(3):
        image = changes[i](image, generator.uniform(0.9, 1.1))
    shift = _EIGENVECTORS @ (generator.normal(0, 0.05, 3) * _EIGENVALUES)
    light = torch.tensor(shift, dtype=torch.float32)[:, None, None]
    return (to_tensor(image) + light).clamp(0, 1)


def random_box(
    size: tuple[int, int],
    generator: np.random.Generator,
    area: tuple[float, float] = (0.08, 1.0),
    aspect: tuple[float, float] = (3 / 4, 4 / 3),
) -> tuple[int, int, int, int]:
    """(left, top, right, bottom) of a random crop, drawn as torchvision's RandomResizedCrop does.

    Ten times a share of the area (uniform) and an aspect ratio (log-uniform) are drawn until the
    crop fits in an image of `size` (width, height); else it is the largest central one.
    """
    width, height = size
    for _ in range(10):
        share = width * height * generator.uniform(*area)
        ratio = np.exp(generator.uniform(*np.log(aspect)))
        w, h = round(np.sqrt(share * ratio)), round(np.sqrt(share / ratio))
        if 0 < w <= width and 0 < h <= height:
            left, top = generator.integers(width - w + 1), generator.integers(height - h + 1)
            return int(left), int(top), int(left) + w, int(top) + h
    ratio = np.clip(width / height, *aspect)
    w, h = min(width, round(height * ratio)), min(height, round(width / ratio))
    left, top = (width - w) // 2, (height - h) // 2
    return left, top, left + w, top + h
