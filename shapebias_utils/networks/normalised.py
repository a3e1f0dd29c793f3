"""Networks that expect something else than [0, 1] RGB, wrapped so that they take just that."""

from collections.abc import Sequence

import torch
import torch.nn.functional as F
from torch import Tensor, nn

IMAGENET_MEAN, IMAGENET_STD = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)
"""Of ImageNet's colours in [0, 1], RGB; what torchvision's and `robustness`'s networks expect."""


class Normalised(nn.Module):
    """A network behind its input's preparation; made by :func:`normalised`.

    The network itself is the submodule `network`: its layers are ``network.features.1`` and so
    on. Checkpoints are of `network` alone, under its own names.
    """

    def __init__(
        self,
        network: nn.Module,
        mean: Sequence[float],
        std: Sequence[float],
        scale: float,
        bgr: bool,
        size: int | None,
    ) -> None:
        super().__init__()
        self.network, self.scale, self.bgr, self.size = network, scale, bgr, size
        # Buffers, so that they move to the device, and that weights_hash tells them apart.
        self.register_buffer("mean", torch.tensor(mean).float().view(1, 3, 1, 1))
        self.register_buffer("std", torch.tensor(std).float().view(1, 3, 1, 1))

    def prepare(self, images: Tensor) -> Tensor:
        """What the network sees of [0, 1] RGB images ``(N, 3, H, W)``, before any resizing."""
        ordered = images.flip(1) if self.bgr else images
        return (ordered * self.scale - self.mean) / self.std

    def forward(self, images: Tensor) -> Tensor:
        x = self.prepare(images)
        if self.size is not None and x.shape[-2:] != (self.size, self.size):
            x = F.interpolate(x, (self.size, self.size), mode="bilinear", antialias=True)
        return self.network(x)

    def extra_repr(self) -> str:
        mean, std = (v.flatten().tolist() for v in (self.mean, self.std))
        return f"mean={mean}, std={std}, scale={self.scale}, bgr={self.bgr}, size={self.size}"


def normalised(
    network: nn.Module,
    mean: Sequence[float] = IMAGENET_MEAN,
    std: Sequence[float] = IMAGENET_STD,
    *,
    scale: float = 1.0,
    bgr: bool = False,
    size: int | None = None,
) -> Normalised:
    """The network as one over [0, 1] RGB ``(N, 3, H, W)``, fed with ``(scale * x - mean) / std``.

    `bgr` turns the channels round first; `mean` and `std` are in the order and the scale that the
    network expects. So weights converted from Caffe are wrapped with ``mean=(104, 117, 123),
    std=(1, 1, 1), scale=255, bgr=True``. `size` resizes the images to that many pixels a side
    (bilinear, antialiased) for networks that take no others. ValueError unless there are three
    means and three positive standard deviations.
    """
    if len(mean) != 3 or len(std) != 3 or min(std) <= 0:
        given = f"mean {tuple(mean)} and std {tuple(std)}"
        raise ValueError(f"{given}: give three of each, one a channel, std above 0")
    return Normalised(network, mean, std, scale, bgr, size)


def unwrapped(network: nn.Module) -> nn.Module:
    """The network without its preparation, which is what a checkpoint holds the weights of."""
    return network.network if isinstance(network, Normalised) else network
