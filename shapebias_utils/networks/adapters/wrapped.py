"""A published network over [0, 1] RGB, its outputs in the order of ImageNet's classes."""

import zlib
from collections.abc import Sequence

from torch import Tensor, nn

from ..normalised import Normalised


class Wrapped(Normalised):
    """As :class:`Normalised`, and of the outputs those at `order` (all, as they are, if None)."""

    def __init__(
        self,
        network: nn.Module,
        mean: Sequence[float],
        std: Sequence[float],
        size: int | None,
        order: Sequence[int] | None,
    ) -> None:
        super().__init__(network, mean, std, 1.0, False, size)
        self.order = None if order is None else list(order)

    def forward(self, images: Tensor) -> Tensor:
        logits = super().forward(images)
        return logits if self.order is None else logits[:, self.order]

    def extra_repr(self) -> str:  # the key of a result holds what a network prints
        order = "ImageNet's" if self.order is None else zlib.crc32(repr(self.order).encode())
        return f"{super().extra_repr()}, order={order}"
