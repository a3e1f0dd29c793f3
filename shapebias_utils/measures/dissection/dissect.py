"""Network dissection (Bau et al. 2017; the paper's Sec. 3.3.2): which concept each channel detects.

Two passes over the images, all probed layers at once and nothing on disk: the first finds the
thresholds that a top fraction of each channel's activations exceeds, the second upsamples the maps
to the size of the labels and counts pixels. Counts are whole numbers that add up over images, so
that neither their order nor the number of processes matters.
"""

import zlib
from collections.abc import Callable, Iterator, Sequence
from functools import partial

import numpy as np
import pandas as pd
import torch
from torch import Tensor

from ...datasets.concepts import ConceptSet
from ...distributed import add, shard
from ...hardware import device
from ...networks import Network
from ..stream import activations
from . import upsampling
from .calibration import calibrated, permutations
from .counts import Counts, categories, count, iou, read_labels, table
from .rules import Rules, rules_of
from .thresholds import RunningTop, position, room, thresholds

VERSION = 2

GROUP = 32
"""Images that go through a network at once, always as many: kernels round differently in others."""


def dissect(
    network: Network,
    concepts: ConceptSet,
    *,
    rules: str | Rules = "default",
    blocks: int = 20,
    draws: int = 200,
    permuted: int = 0,
    memory: float = 8e8,
) -> pd.DataFrame:
    """Which concepts each channel of the probed layers detects, and how well.

    A row for each concept that is a channel's best of its `category` or reaches an IoU of .01
    (``counts.KEPT``), and one without a concept for a channel whose mask meets none.
    Columns: `layer`, `unit` (from 0), `threshold`, `concept`, `category`, `iou`, the pixels it is
    made of: `intersection`, `activated` (of the mask, in images that count for the category),
    `labelled`; `survival`, the share of bootstrap resamples of the images in which this concept
    is the channel's best, at the same thresholds; `chance`, the IoU above which a channel detects
    the concept (but for the rate of ``calibration.RATE``), from `permuted` permutations of the
    labels; and `images`, their number. In a channel's row of highest IoU, `drawn` and
    `drawn_detectors` have a letter (``counts.LETTERS``) a resample: the category of its best
    concept, and of the best above `chance`. A channel's label is its concept of highest IoU:
    ``detectors.unit_labels``.

    `rules` are a name of ``rules.PRESETS`` or rules of your own. All images count for
    the thresholds, also those without a label. A mask is where the upsampled map is above, not
    at, its threshold. The resamples draw among `blocks` parts of the images, which an image's name
    decides on; 0 `draws` leave them out. `chance` is empty with 0 `permuted`.

    Memory: the top values of as many channels as fit into `memory` bytes are sought in one pass
    (4.5 bytes for each 1 / `top` activations of a channel: all of AlexNet's on Broden at the
    default), those of others in further ones. Where all activations fit into `memory`, they are
    kept from the first pass to the second, and else computed again. The counts take 4 bytes a
    channel, concept and block (and permutation), activations those of 32 images. Nothing else
    grows with the images.

    ValueError where an image cannot be read, a layer is not there, an activation is not finite (it
    names layer and image), or labels are not of one size.
    """
    rules = rules_of(rules)
    if blocks < 1:
        raise ValueError(f"blocks = {blocks}: the images are at least one")
    rows = shard(range(len(concepts)))
    images = int(add(torch.tensor(len(rows))))
    if not images:
        raise ValueError(f"{concepts.name} has no images to dissect {network.name} on")
    names = concepts.images.table["imagename"]
    block = {row: zlib.crc32(names.iloc[row].encode()) % blocks for row in rows}
    rows = sorted(rows, key=block.__getitem__)
    first = rows[:1] or [0]
    ((_, maps),) = activations(network, concepts.images, first, batch_size=GROUP)
    shapes = {layer: tuple(values.shape[1:]) for layer, values in maps.items()}
    stream = partial(activations, network, concepts.images, rows, batch_size=GROUP)
    if 4 * len(rows) * sum(int(np.prod(shape)) for shape in shapes.values()) <= memory:
        seen = list(stream())
        stream = partial(_of_layers, seen)
    found = _thresholds(stream, shapes, images, rules, memory)
    others = permutations(concepts, permuted)
    counts, null = _count(
        network, concepts, stream, block, blocks, shapes, found, rules, first, others
    )
    floor = calibrated(_by_chance(null, counts, concepts, rules)) if permuted else None
    tables = []
    for layer in network.layers:
        units = table(counts, layer, concepts.concepts, rules, draws, floor=floor)
        units.insert(0, "layer", layer)
        units.insert(2, "threshold", found[layer].cpu().numpy()[units["unit"]])
        tables.append(units)
    return pd.concat(tables, ignore_index=True).assign(images=images)


def _of_layers(
    seen: list[tuple[list[int], dict[str, Tensor]]], layers: Sequence[str] = ()
) -> Iterator[tuple[list[int], dict[str, Tensor]]]:
    """What ``stream.activations`` yielded, of some layers, once more."""
    for chunk, maps in seen:
        yield chunk, {layer: maps[layer] for layer in layers or maps}


def _thresholds(
    stream: Callable[..., Iterator], shapes: dict[str, tuple], images: int, rules: Rules,
    memory: float,
) -> dict[str, Tensor]:  # fmt: skip
    """Layer -> float32 (units,), exact: the first pass, or passes where memory is short."""
    where = {
        layer: position(images * height * width, rules.top, rules.quantile)
        for layer, (_, height, width) in shapes.items()
    }
    kept = {layer: int(at) + 2 for layer, at in where.items()}
    sizes = {layer: (shape[0], 4 * room(kept[layer])) for layer, shape in shapes.items()}
    found = {layer: [] for layer in shapes}
    for group in groups(sizes, memory):
        tops = {a: RunningTop(s.stop - s.start, kept[a], device()) for a, s in group.items()}
        for _, maps in stream(layers=list(group)):
            for layer, units in group.items():
                tops[layer].push(maps[layer][:, units].transpose(0, 1).flatten(1))
        for layer, top in tops.items():
            found[layer].append(thresholds(top, where[layer]))
    return {layer: torch.cat(parts) for layer, parts in found.items()}


def groups(sizes: dict[str, tuple[int, int]], memory: float) -> list[dict[str, slice]]:
    """The channels of layers, cut into groups that fit into `memory` bytes: layer -> channels.

    `sizes` has each layer's number of channels and the bytes of each. A channel that does not fit
    makes a group of its own.
    """
    found, left = [{}], memory
    for layer, (units, each) in sizes.items():
        start = 0
        while start < units:
            count = min(units - start, max(int(left // each), 0 if found[-1] else 1))
            if count:
                found[-1][layer] = slice(start, start + count)
                start, left = start + count, left - count * each
            else:
                found.append({})
                left = memory
    return found


def _count(
    network: Network, concepts: ConceptSet, stream: Callable[..., Iterator],
    block: dict[int, int], blocks: int, shapes: dict[str, tuple], found: dict[str, Tensor],
    rules: Rules, first: list[int], others: np.ndarray,
) -> tuple[Counts, Counts]:  # fmt: skip
    """The second pass. Rows come block by block, `block` has the block of each.

    Then the counts with labels of `others` (permutations, images).
    """
    where = device()
    shape = tuple(concepts.labels(first)[0].shape[2:])
    image, sizes = concepts.images.load(first).to(where), {k: s[1:] for k, s in shapes.items()}
    grids = upsampling.grids(rules.geometry, shape, sizes, network.load().to(where), image)
    units = {layer: shape[0] for layer, shape in shapes.items()}
    counts = Counts.zeros(concepts, first, units, blocks, where)
    null = Counts.zeros(concepts, first, units, len(others), where)
    for chunk, maps in stream():
        parts = np.array([block[row] for row in chunk])
        labels = read_labels(concepts, chunk, shape, rules, where)
        permuted = [read_labels(concepts, own[chunk].tolist(), shape, rules, where)
                    for own in others]  # fmt: skip
        for part in np.unique(parts):
            some = slice(*np.searchsorted(parts, [part, part + 1]))
            counts.labelled[part] += labels.pixels[some].sum(0)
            for layer, grid in grids.items():
                values = maps[layer][some]
                masks = upsampling.active(values, found[layer], grid)
                own = count(*masks, values.shape[1], labels[some], rules)
                counts.both[layer][part] += own[0]
                counts.masks[layer][part] += own[1]
                for i, each in enumerate(permuted):
                    own = count(*masks, values.shape[1], each[some], rules)
                    null.both[layer][i] += own[0]
                    null.masks[layer][i] += own[1]
    return counts.over_processes(), null.over_processes()


def _by_chance(null: Counts, counts: Counts, concepts: ConceptSet, rules: Rules) -> np.ndarray:
    """IoU of each label (channels and permutations, labels) with permuted labels."""
    category = categories(concepts.concepts)
    labelled = counts.labelled.sum(0).cpu().numpy()
    return np.concatenate(
        [
            iou(both.cpu().numpy(), masks.cpu().numpy(), labelled, category, rules)
            for layer in null.both
            for both, masks in zip(null.both[layer], null.masks[layer], strict=True)
        ]
    )
