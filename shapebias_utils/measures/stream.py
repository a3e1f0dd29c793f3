"""The one stream under every measure: load, fill, move, forward, in float32 on every device."""

from collections.abc import Callable, Iterator, Sequence
from typing import TYPE_CHECKING, TypeVar

from ..datasets import ImageSet
from ..hooks import record
from ..loading import batches
from ..networks import Network

if TYPE_CHECKING:
    from torch import Tensor, nn

T = TypeVar("T", "Tensor", "dict[str, Tensor]")


def loaded(network: Network) -> "nn.Module":
    """The trained network on this process's device, ready to be measured."""
    from ..hardware import device, keep_freed_memory

    keep_freed_memory()
    return network.load().to(device())


def stream(
    images: ImageSet,
    forward: "Callable[[Tensor, list[int]], T]",
    *,
    rows: Sequence[int] | None = None,
    batch_size: int = 64,
    label: str = "",
) -> "Iterator[tuple[list[int], T]]":
    """Yield (rows, what `forward` makes of their images) in batches, in order.

    ``forward(x, rows)`` gets float32 ``(N, 3, H, W)`` on the device, channels last, and computes
    within :func:`shapebias_utils.hardware.float32`; what it returns, a tensor or a dict of tensors,
    has a row an image. All batches are of one size, the last filled up with its first image (in
    `rows` too), and cut again: kernels round differently in batches of another size, and what is
    measured must not depend on how images are shared out. `rows` are all if None; without rows
    nothing is yielded. Images are loaded ahead by worker processes where that keeps a GPU busy. A
    `label` puts a progress bar over it.
    """
    import torch
    from tqdm.auto import tqdm

    from ..hardware import device, float32

    where = device()
    rows = [int(row) for row in (range(len(images)) if rows is None else rows)]
    size = min(batch_size, len(images) or 1)
    chunks = [rows[start : start + size] for start in range(0, len(rows), size)]
    ahead = batches(lambda i: images.load(chunks[i]), len(chunks))
    silent = not (label and chunks)
    bar = tqdm(ahead, label, len(chunks), unit="batch", leave=False, disable=silent)
    for chunk, x in zip(chunks, bar, strict=True):
        n = len(chunk)
        filled = chunk + chunk[:1] * (size - n)
        if n < size:  # else it stays where it is, in pinned memory
            x = torch.cat([x, x[:1].expand(size - n, -1, -1, -1)])
        x = x.to(where, non_blocking=True).contiguous(memory_format=torch.channels_last)
        with float32():
            found = forward(x, filled)
        yield chunk, {k: v[:n] for k, v in found.items()} if isinstance(found, dict) else found[:n]


def activations(
    network: Network,
    images: ImageSet,
    rows: Sequence[int] | None = None,
    layers: Sequence[str] = (),
    batch_size: int = 64,
) -> "Iterator[tuple[list[int], dict[str, Tensor]]]":
    """Yield (rows, layer -> activations ``(n, C, H, W)``, float32, on the device) in batches.

    Of the network's probed layers, or of some of them. A layer without a grid has H = W = 1.
    ValueError where there is no such layer, where its output is no map of channels, and where an
    activation is not finite: it names layer and image.
    """
    import torch

    if not network.layers:
        raise ValueError(f"{network.name} has no probed layers: give its record some `layers`")
    unknown = [layer for layer in layers if layer not in network.layers]
    if unknown:
        known = ", ".join(network.layers)
        raise ValueError(f"{network.name} has no layer {unknown[0]!r}; choose from {known}")
    module = loaded(network)
    wanted = {layer: network.layers[layer] for layer in layers or network.layers}

    def forward(x: "Tensor", rows: list[int]) -> "dict[str, Tensor]":
        with record(module, wanted) as seen, torch.no_grad():
            module(x)
        return {layer: _as_maps(seen[layer], network, layer) for layer in wanted}

    title = f"{network.name} on {images.name}"
    for chunk, maps in stream(images, forward, rows=rows, batch_size=batch_size, label=title):
        for layer, values in maps.items():
            _refuse_infinite(values, network, layer, images, chunk)
        yield chunk, maps


def _as_maps(values: "Tensor", network: Network, layer: str) -> "Tensor":
    if values.ndim not in (2, 4):
        raise ValueError(
            f"{layer} of {network.name} puts out {tuple(values.shape)}: probe a layer whose output "
            "is (images, channels, height, width)"
        )
    return values.float().reshape(*values.shape[:2], *(values.shape[2:] or (1, 1)))


def _refuse_infinite(
    values: "Tensor", network: Network, layer: str, images: ImageSet, rows: Sequence[int]
) -> None:
    if values.sum().isfinite():  # the fast way; a sum may overflow, though
        return
    wrong = ~values.flatten(1).isfinite().all(1)
    if wrong.any():
        name = images.table["imagename"].iloc[rows[int(wrong.nonzero()[0, 0])]]
        raise ValueError(
            f"{layer} of {network.name} is not finite for {name}: look at that image and at the "
            "network's weights"
        )
