"""Which pixels the units of a layer can see: exact for branches, shortcuts, padding and borders."""

from collections.abc import Callable, Sequence

import numpy as np
import pandas as pd
import torch
from torch import Tensor
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils.weak import WeakTensorKeyDictionary

from ..hooks import record
from ..networks import Network

aten = torch.ops.aten
Span = np.ndarray
"""Int ``(n, 2)``: the first pixel, and the one behind the last, that each of n rows depends on."""


def receptive_fields(network: Network, size: int | tuple[int, int]) -> dict[str, tuple[Span, Span]]:
    """Layer -> (rows, columns) of the pixels that each unit of the layer's map depends on.

    `rows` is ``(H, 2)``, `columns` ``(W, 2)``: ``image[rows[r, 0]:rows[r, 1], columns[c, 0]:
    columns[c, 1]]`` is the smallest box outside which no pixel changes unit (r, c), whatever the
    weights. `size` is that of the images, or their (height, width). Followed through one forward
    pass, so that the layout of the network does not matter. ValueError names the operation where
    a layer lies behind one that is not known here.
    """
    height, width = (size, size) if isinstance(size, int) else size
    image = torch.zeros(1, 3, height, width)
    module = network.build().eval()
    with torch.no_grad(), record(module, network.layers) as seen, _Follow(image) as follow:
        module(image)
    found = {}
    for layer, output in seen.items():
        if output not in follow.spans:
            raise ValueError(
                f"cannot tell what {layer} of {network.name} sees: it lies behind the operation "
                f"{follow.lost.get(output)!r}, which is not known here"
            )
        found[layer] = follow.spans[output]
    return found


def with_crops(table: pd.DataFrame, network: Network, size: int | tuple[int, int]) -> pd.DataFrame:
    """The table of ``preferred_images`` with the unit's receptive field in the image:

    `top`, `left`, `bottom`, `right` in pixels, cut at the border, bottom and right exclusive.
    """
    fields = receptive_fields(network, size)
    boxes = np.empty((len(table), 4), int)
    for layer, own in table.reset_index(drop=True).groupby("layer"):
        rows, columns = fields[layer]
        boxes[own.index, 0::2] = rows[own["row"]]
        boxes[own.index, 1::2] = columns[own["column"]]
    return table.assign(**dict(zip(("top", "left", "bottom", "right"), boxes.T, strict=True)))


Windows = np.ndarray
"""Int ``(m, 3)``: the first and the last input of each of m outputs, and the step between them."""


def _windows(n: int, m: int, kernel: int, stride: int, padding: int, dilation: int) -> Windows:
    """Those of a convolution or pooling over `n` inputs; padding is left out."""
    first = np.arange(m) * stride - padding
    last = first + (kernel - 1) * dilation
    inside = np.where(first < 0, first % dilation, first)  # the first tap that is not padding
    beyond = np.maximum(0, -(-(last - n + 1) // dilation)) * dilation
    return np.stack([inside, last - beyond, np.full(m, dilation)], 1)


def _along(axis: int, value: Sequence[int]) -> int:
    return value[axis % len(value)]  # one value may stand for both axes


def _convolution(axis: int, n: int, m: int, args: Sequence) -> Windows | None:
    _, weight, _, *facts, transposed, _, _ = args
    if transposed:
        return None
    stride, padding, dilation = (_along(axis, fact) for fact in facts)
    return _windows(n, m, weight.shape[2 + axis], stride, padding, dilation)


def _max_pool(axis: int, n: int, m: int, args: Sequence) -> Windows:
    given = dict(zip(("kernel", "stride", "padding", "dilation"), args[1:], strict=False))
    kernel = _along(axis, given["kernel"])
    stride = _along(axis, given.get("stride") or [kernel])
    padding, dilation = (
        _along(axis, given.get(k, [v])) for k, v in (("padding", 0), ("dilation", 1))
    )
    return _windows(n, m, kernel, stride, padding, dilation)


def _average_pool(axis: int, n: int, m: int, args: Sequence) -> Windows:
    return _max_pool(axis, n, m, args[:4])  # behind that come other facts than a dilation


def _adaptive_pool(axis: int, n: int, m: int, args: Sequence) -> Windows:
    i = np.arange(m)
    return np.stack([i * n // m, -(-(i + 1) * n // m) - 1, np.ones(m, int)], 1)


def _mean(axis: int, n: int, m: int, args: Sequence) -> Windows | None:
    both = {d % 4 for d in args[1]} == {2, 3}
    return np.array([[0, n - 1, 1]]) if both else None


def _resize(axis: int, n: int, m: int, args: Sequence) -> Windows:
    """Antialiased bilinear: a tent of half-width max(1, n / m) about each output's centre."""
    centre, reach = (np.arange(m) + 0.5) * n / m, max(1, n / m)
    first = np.maximum(0, (centre - reach + 0.5).astype(int))
    last = np.minimum(n, (centre + reach + 0.5).astype(int)) - 1
    return np.stack([first, last, np.ones(m, int)], 1)


WINDOWS: dict[object, Callable[..., Windows | None]] = {
    aten.convolution: _convolution,
    aten.max_pool2d_with_indices: _max_pool,
    aten.avg_pool2d: _average_pool,
    aten._adaptive_avg_pool2d: _adaptive_pool,
    aten.mean: _mean,
    aten._upsample_bilinear2d_aa: _resize,
}
"""Operations that mix neighbours -> first and last input of each output along an axis."""

PIXEL_BY_PIXEL = {
    aten.native_batch_norm, aten._native_batch_norm_legit_no_training, aten.clone, aten.detach,
    aten._to_copy, aten.alias,
}  # fmt: skip
"""Besides those that torch itself calls pointwise."""


def _is_pixel_by_pixel(func, args: Sequence) -> bool:
    operation = func.overloadpacket
    if operation in (aten.cat, aten.flip):  # along the channels
        return len(args) > 1 and args[1] in (1, [1], -3, [-3])
    return torch.Tag.pointwise in func.tags or operation in PIXEL_BY_PIXEL


class _Follow(TorchDispatchMode):
    """Notes, for each tensor that is computed, what its rows and columns depend on.

    `lost` holds those of which that is not known, and the operation that is to blame.
    """

    def __init__(self, image: Tensor) -> None:
        super().__init__()
        self.spans, self.lost = WeakTensorKeyDictionary(), WeakTensorKeyDictionary()
        self.spans[image] = tuple(
            np.stack([np.arange(n), np.arange(n) + 1], 1) for n in image.shape[2:]
        )

    def __torch_dispatch__(self, func, types, args=(), kwargs=None):
        outputs = func(*args, **(kwargs or {}))
        output = outputs[0] if isinstance(outputs, (tuple, list)) else outputs
        flat = [a for arg in args for a in (arg if isinstance(arg, (list, tuple)) else [arg])]
        tensors = [a for a in flat if isinstance(a, Tensor)]
        inputs = [self.spans[t] for t in tensors if t in self.spans]
        lost = [self.lost[t] for t in tensors if t in self.lost]
        if isinstance(output, Tensor) and (inputs or lost):
            spans = None if lost else _spans(func, args, inputs, output)
            if spans is not None:
                self.spans[output] = spans
            else:
                self.lost[output] = lost[0] if lost else func.overloadpacket.__name__
        return outputs


def _spans(
    func, args: Sequence, inputs: list[tuple[Span, Span]], output: Tensor
) -> tuple[Span, Span] | None:
    """Rows and columns that the output depends on, None if that is not known."""
    if output.ndim != 4:
        return None
    if func.overloadpacket in WINDOWS:
        found = []
        for axis, span in enumerate(inputs[0]):
            window = WINDOWS[func.overloadpacket](axis, len(span), output.shape[2 + axis], args)
            if window is None:
                return None
            # Not only the ends: where padding meets dilation, a later input may see less.
            seen = [span[first : last + 1 : step] for first, last, step in window]
            ends = [(own[:, 0].min(), own[:, 1].max()) if len(own) else (0, 0) for own in seen]
            found.append(np.array(ends))
        return tuple(found)
    if _is_pixel_by_pixel(func, args):  # of several inputs, perhaps: a shortcut, branches
        return tuple(_union(own) for own in zip(*inputs, strict=True))
    return None


def _union(spans: Sequence[Span]) -> Span:
    stacked = np.stack(np.broadcast_arrays(*spans))
    return np.stack([stacked[..., 0].min(0), stacked[..., 1].max(0)], 1)
