"""Random crops and flips of a batch, for training."""

import torch
import torch.nn.functional as F
from torch import Tensor


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
