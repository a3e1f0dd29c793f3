"""What the probed layers of a network say about images, in one stream."""

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from ..datasets import ImageSet, batches
from ..hooks import record
from ..networks import Network

if TYPE_CHECKING:
    from torch import Tensor


def activations(
    network: Network,
    images: ImageSet,
    rows: Sequence[int] | None = None,
    layers: Sequence[str] = (),
    batch_size: int = 64,
) -> "Iterator[tuple[list[int], dict[str, Tensor]]]":
    """Yield (rows, layer -> activations ``(n, C, H, W)``, float32, on the device) in batches.

    Of the network's probed layers, or of some of them. A layer without a grid has H = W = 1. The
    last batch is filled up with its first image, and cut again: kernels round differently in
    batches of another size, and what is measured must not depend on how images are shared out.
    ValueError where there is no such layer, where its output is no map of channels, and where an
    activation is not finite: it names layer and image.
    """
    import torch

    from ..hardware import device, keep_freed_memory

    if not network.layers:
        raise ValueError(f"{network.name} has no probed layers: give its record some `layers`")
    unknown = [layer for layer in layers if layer not in network.layers]
    if unknown:
        known = ", ".join(network.layers)
        raise ValueError(f"{network.name} has no layer {unknown[0]!r}; choose from {known}")
    keep_freed_memory()
    where = device()
    module = network.load().to(where)
    wanted = {layer: network.layers[layer] for layer in layers or network.layers}
    rows = list(range(len(images)) if rows is None else rows)
    batch_size = min(batch_size, len(images) or 1)
    title = f"{network.name} on {images.name}"
    with record(module, wanted) as seen:
        for chunk, x in batches(images, batch_size, rows, title):
            filling = batch_size - len(chunk)
            x = torch.cat([x, x[:1].expand(filling, -1, -1, -1)])
            with torch.no_grad():
                module(x.to(where, memory_format=torch.channels_last))
            maps = {k: _as_maps(seen[k][: len(chunk)], network, k) for k in wanted}
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
