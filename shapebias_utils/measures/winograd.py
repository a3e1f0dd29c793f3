"""Convolutions with 3x3 kernels by Winograd's minimal filtering: 2.25 times fewer multiplications.

F(2x2, 3x3) of Lavin and Gray, Fast Algorithms for Convolutional Neural Networks (CVPR 2016,
Section 4.1). Its sums and halves add no more rounding than a plain convolution has.
"""

import torch
import torch.nn.functional as F
from torch import Tensor, nn

KERNEL = torch.tensor([[1, 0, 0], [0.5, 0.5, 0.5], [0.5, -0.5, 0.5], [0, 0, 1]])
OUTPUT = torch.tensor([[1, 1, 1, 0], [0, 1, -1, -1]])
"""The paper's G and A^T: of 3 weights, and of the 4 products to 2 outputs."""

AT_ONCE = 16
"""Images whose tiles fit in a processor's cache together."""


def suits(conv: nn.Conv2d) -> bool:
    """Whether :func:`convolved` can stand for the layer and is faster than the layer itself.

    It is for 3x3 kernels moved by one pixel, with channels enough for the transforms to be little
    beside the multiplications, and on a processor: on a GPU cuDNN chooses by itself.
    """
    return (
        (conv.kernel_size, conv.stride, conv.dilation) == ((3, 3), (1, 1), (1, 1))
        and (conv.groups, conv.padding_mode) == (1, "zeros")
        and not isinstance(conv.padding, str)
        and min(conv.in_channels, conv.out_channels) >= 128
        and conv.weight.device.type == "cpu"
    )


def transformed(weight: Tensor) -> Tensor:
    """Of kernels ``(O, C, 3, 3)`` what :func:`convolved` needs, ``(16, C, O)``."""
    both = torch.kron(KERNEL, KERNEL).to(weight)
    outputs, inputs = weight.shape[:2]
    kernels = both @ weight.permute(2, 3, 1, 0).reshape(9, -1)
    return kernels.view(16, inputs, outputs)


def convolved(x: Tensor, kernels: Tensor, bias: Tensor | None, padding: tuple[int, int]) -> Tensor:
    """``F.conv2d`` of ``(N, C, H, W)`` with kernels as :func:`transformed` gives them.

    ``(N, O, H', W')`` in channels last; `padding` is that of rows and of columns, in pixels.
    """
    out = torch.kron(OUTPUT, OUTPUT).to(x)
    (n, inputs, *size), outputs = x.shape, kernels.shape[2]
    height, width = (s + 2 * p - 2 for s, p in zip(size, padding, strict=True))
    down, across = -(-height // 2), -(-width // 2)  # tiles of 2x2 outputs
    result = x.new_empty(n, height, width, outputs)
    for first in range(0, n, AT_ONCE):
        some = x[first : first + AT_ONCE]
        top, left = padding
        beyond = 2 * across + 2 - size[1] - left, 2 * down + 2 - size[0] - top
        padded = F.pad(some, (left, beyond[0], top, beyond[1])).permute(0, 2, 3, 1).contiguous()
        tiles = _inputs(_inputs(padded, 2), 2)  # first along the columns, then along the rows
        products = torch.bmm(tiles.view(16, -1, inputs), kernels)
        values = (out @ products.view(16, -1)).view(2, 2, len(some), down, across, outputs)
        values = values.permute(2, 3, 0, 4, 1, 5).reshape(len(some), 2 * down, 2 * across, outputs)
        values = values[:, :height, :width]
        result[first : first + AT_ONCE] = values if bias is None else values + bias
    return result.permute(0, 3, 1, 2)


def _inputs(x: Tensor, axis: int) -> Tensor:
    """The paper's B^T of every other 4 neighbours along an axis, ``(4, ...)``."""
    a, b, c, d = x.unfold(axis, 4, 2).unbind(-1)
    found = x.new_empty(4, *a.shape)
    torch.sub(a, c, out=found[0])
    torch.add(b, c, out=found[1])
    torch.sub(c, b, out=found[2])
    torch.sub(b, d, out=found[3])
    return found
