"""Pixels of labels, of masks and of both, and the IoU that they make."""

from dataclasses import dataclass

import numpy as np
import pandas as pd
import torch
from torch import Tensor

from ...datasets.concepts import ConceptSet
from ...distributed import add
from .rules import Rules
from .upsampling import Grid, active

CHUNK = 1 << 16
"""Pixels of masks that are looked up in one go, so that a processor keeps them at hand."""

KEPT = 0.01
"""Least IoU of what is listed besides the best of each category; that of the paper's diversity."""


@dataclass(frozen=True)
class Labels:
    """The labels of N images: int32 planes (P, N, size), int64 whole (N, W), 0 for none.

    `category` (labels,) is that of each label, 0 that of none. `pixels` is of each label in each
    image (N, labels), `present` (N, categories) whether an image has a category.
    """

    planes: Tensor
    whole: Tensor
    category: Tensor
    pixels: Tensor
    present: Tensor

    @classmethod
    def of(cls, planes: Tensor, whole: Tensor, category: Tensor) -> "Labels":
        """From int32 planes (P, N, h, w)."""
        planes = planes.flatten(2)
        (_, n, size), labels = planes.shape, len(category)
        first = labels * torch.arange(n, device=planes.device, dtype=torch.int32)[:, None]
        pixels = torch.zeros(n * labels, dtype=torch.int64, device=planes.device)
        for plane in planes:  # neighbours often have one label
            runs, lengths = torch.unique_consecutive(plane + first, return_counts=True)
            pixels.index_add_(0, runs, lengths)
        pixels = pixels.view(n, labels).scatter_add_(1, whole, torch.full_like(whole, size))
        members = torch.arange(int(category.max()) + 1, device=category.device) == category[:, None]
        present = (pixels > 0).float() @ members.float() > 0
        return cls(planes, whole, category, pixels, present)

    def __getitem__(self, some: slice) -> "Labels":
        own = (self.planes[:, some], self.whole[some], self.category)
        return Labels(*own, self.pixels[some], self.present[some])


def categories(concepts: pd.DataFrame) -> np.ndarray:
    """The category of each label number, int64: 0 for none, then in the order of the table."""
    number = concepts["number"].to_numpy()
    category = np.zeros(number.max(initial=0) + 1, np.int64)
    category[number] = 1 + pd.factorize(concepts["category"])[0]
    return category


def read_labels(
    concepts: ConceptSet, rows: list[int], shape: tuple[int, int], rules: Rules,
    where: torch.device | str = "cpu",
) -> Labels:  # fmt: skip
    """The labels of these images; ValueError if they are not of that shape, or not known."""
    planes, whole = concepts.labels(rows)
    whole = np.array(whole, np.int64)
    if planes.shape[2:] != shape or not len(planes) == len(whole) == len(rows):
        name = concepts.images.table["imagename"].iloc[rows[0]]
        raise ValueError(
            f"the labels of {concepts.name} from {name} on are planes {planes.shape} and whole "
            f"{whole.shape}; {len(rows)} images of {shape[0]}x{shape[1]} are expected, as the first"
        )
    category = categories(concepts.concepts)
    highest = max(planes.max(initial=0), whole.max(initial=0))
    if highest >= len(category):
        raise ValueError(
            f"{concepts.name} has label {highest}, but no concept beyond {len(category) - 1}"
        )
    planes = np.array(planes.swapaxes(0, 1), np.int32, order="C")
    if not rules.twice:
        _drop_repeated(planes, whole)
    return Labels.of(*(torch.from_numpy(a).to(where) for a in (planes, whole, category)))


def _drop_repeated(planes: np.ndarray, whole: np.ndarray) -> None:
    """Set to 0 what a pixel or an image is labelled with for the second time.

    `planes` are (P, N, h, w).
    """
    for i in range(1, whole.shape[1]):
        whole[(whole[:, :i] == whole[:, i : i + 1]).any(1), i] = 0
    used = planes.any((2, 3))
    for i, plane in enumerate(planes):
        for label in whole.T:
            plane[plane == label[:, None, None]] = 0
        for earlier in range(i):
            both = used[i] & used[earlier]
            if both.any():
                mine = plane[both]
                plane[both] = np.where(mine == planes[earlier][both], 0, mine)


def tally(
    maps: Tensor, thresholds: Tensor, grid: Grid, labels: Labels, rules: Rules
) -> tuple[Tensor, Tensor]:
    """Pixels of mask and label (units, labels), and of masks by category (units, categories).

    int64. `maps` is float32 (N, units, h, w) of the images that `labels` are of; a mask is where
    the map on `grid` exceeds its threshold. In a category's column are only the masks of images
    that count for it.
    """
    pixel, pair = active(maps, thresholds, grid)
    return count(pixel, pair, maps.shape[1], labels, rules)


def count(
    pixel: Tensor, pair: Tensor, units: int, labels: Labels, rules: Rules
) -> tuple[Tensor, Tensor]:
    """The counts of :func:`tally` from the masks' pixels, as ``upsampling.active`` gives them."""
    n, n_labels, n_categories = len(labels.whole), len(labels.category), labels.present.shape[1]
    area = torch.bincount(pair, minlength=n * units).view(n, units)
    counted = labels.present[:, None]
    widest = max(units * n_labels, n * units * n_categories)
    wide = torch.int32 if widest < 2**31 else torch.int64  # half as wide is twice as fast
    both, met = pixel.new_empty(2, len(labels.planes), len(pixel), dtype=wide)
    first = n_labels * torch.arange(units, device=pixel.device, dtype=wide).repeat(n)
    category, lite = labels.category.to(wide), rules.present == "lite"
    for start in range(0, len(pixel), CHUNK):
        some = slice(start, start + CHUNK)
        at, own = pixel[some], pair[some]
        begin, kinds = first.index_select(0, own), own.to(wide).mul_(n_categories)
        for plane, key, kind in zip(labels.planes, both, met, strict=True):
            label = plane.flatten().index_select(0, at)
            torch.add(begin, label, out=key[some])
            if lite:
                torch.add(kinds, category.index_select(0, label), out=kind[some])
    both = torch.bincount(both.flatten(), minlength=units * n_labels).view(units, n_labels)
    for whole in labels.whole.unbind(1):
        both.index_add_(1, whole, area.T)
    if lite:
        counted = torch.bincount(met.flatten(), minlength=n * units * n_categories) > 0
        counted = counted.view(n, units, n_categories)
        image = torch.arange(n, device=pixel.device)
        for whole in labels.whole.unbind(1):  # is met by any mask
            counted[image, :, labels.category.index_select(0, whole)] = True
    return both, (area[..., None] * counted).sum(0)


@dataclass(frozen=True)
class Counts:
    """Pixels by block of images: of labels (blocks, labels); by layer, of mask and label
    (blocks, units, labels), and of masks in images that count for a category
    (blocks, units, categories). Of permuted labels a block is a permutation."""

    labelled: Tensor
    both: dict[str, Tensor]
    masks: dict[str, Tensor]

    @classmethod
    def zeros(
        cls, concepts: ConceptSet, first: list[int], units: dict[str, int], blocks: int,
        where: torch.device | str = "cpu",
    ) -> "Counts":  # fmt: skip
        """Nothing counted yet, in layers of so many units; `first` is a row that can be read."""
        category = categories(concepts.concepts)
        planes, whole = concepts.labels(first)
        most = len(concepts) * np.prod(planes.shape[2:]) * (planes.shape[1] + whole.shape[1])
        narrow = torch.int32 if most < 2**31 else torch.int64  # no count can be above `most`
        sizes = {layer: (blocks, n, len(category)) for layer, n in units.items()}
        masks = {layer: (blocks, n, int(category.max()) + 1) for layer, n in units.items()}
        return cls(
            torch.zeros(blocks, len(category), dtype=torch.int64, device=where),
            {k: torch.zeros(size, dtype=narrow, device=where) for k, size in sizes.items()},
            {k: torch.zeros(size, dtype=torch.int64, device=where) for k, size in masks.items()},
        )

    def over_processes(self) -> "Counts":
        """The sum of all processes' counts."""
        both, masks = (
            {layer: add(values) for layer, values in each.items()}
            for each in (self.both, self.masks)
        )
        return Counts(add(self.labelled), both, masks)


def iou(
    both: np.ndarray, masks: np.ndarray, labelled: np.ndarray, category: np.ndarray, rules: Rules
) -> np.ndarray:
    """Intersection over union (units, labels) of masks and labels over all images; 0 for label 0.

    The union is of the label's pixels in all images and the mask's in those that count for its
    `category` (labels,). 0 where nothing is in both.
    """
    union = masks[:, category] + labelled - both + rules.epsilon
    values = np.divide(both, union, out=np.zeros(both.shape), where=both > 0)
    values[:, 0] = 0
    return values


def table(
    counts: Counts, layer: str, concepts: pd.DataFrame, rules: Rules, draws: int, seed: int = 0,
    floor: np.ndarray | None = None,
) -> pd.DataFrame:  # fmt: skip
    """The rows of a layer in the table of ``dissect.dissect``.

    `floor` (labels,) is the calibrated threshold of each label, where there are any.
    """
    category = categories(concepts)
    both, masks = (a[layer].numpy() for a in (counts.both, counts.masks))
    labelled = counts.labelled.numpy()
    total = both.sum(0, dtype=np.int64), masks.sum(0), labelled.sum(0)
    values = iou(*total, category, rules)
    listed = values >= KEPT
    for c in range(1, category.max() + 1):
        own = np.flatnonzero(category == c)
        best = own[values[:, own].argmax(1)]
        listed[np.arange(len(values)), best] |= values[np.arange(len(values)), best] > 0
    nothing = ~listed.any(1)
    listed[nothing, 0] = True
    unit, label = listed.nonzero()
    about = concepts.set_index("number")[["name", "category"]].reindex(label)
    known = floor is not None
    floor = np.maximum(floor, KEPT) if known else np.full(len(category), np.nan)
    best, found = _drawn(both, masks, labelled, category, rules, draws, seed, floor)
    wins = np.zeros(both.shape[1:])
    for own in best:
        wins[np.arange(len(wins)), own] += 1
    wins = wins / draws if draws else np.full(wins.shape, np.nan)
    rows = pd.DataFrame(
        {
            "unit": unit,
            "concept": about["name"].to_numpy(),
            "category": about["category"].to_numpy(),
            "iou": values[unit, label],
            "intersection": np.where(label > 0, total[0][unit, label], 0),
            "activated": total[1][unit, category[label]],
            "labelled": np.where(label > 0, total[2][label], 0),
            "survival": wins[unit, label],
            "chance": np.where(label > 0, floor[label], np.nan),
        }
    )
    first = rows.groupby("unit")["iou"].transform("idxmax") == rows.index
    letters = np.array(["-", *LETTERS[: category.max()]])[category]
    for name, own in (("drawn", best), ("drawn_detectors", found)):
        texts = np.array(["".join(each) for each in letters[own].T] if draws else [""] * len(wins))
        rows[name] = np.where(first & (known or name == "drawn"), texts[unit], "")
    return rows


LETTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
"""Of the categories, in the order of the concepts' table; "-" stands for no label."""


def _drawn(
    both: np.ndarray, masks: np.ndarray, labelled: np.ndarray, category: np.ndarray,
    rules: Rules, draws: int, seed: int, floor: np.ndarray,
) -> tuple[np.ndarray, np.ndarray]:  # fmt: skip
    """The best label of each unit in each bootstrap resample of the blocks: (draws, units).

    Then the best among those above `floor`. Of a unit that has no such label it is label 0.
    """
    blocks, units = both.shape[:2]
    weights = np.random.default_rng(seed).multinomial(blocks, [1 / blocks] * blocks, draws)
    best = np.zeros((2, draws, units), int)
    shape = both.shape[1:]
    both, masks = (a.reshape(blocks, -1).astype(float) for a in (both, masks))  # exact below 2^53
    for own, weight in zip(best.swapaxes(0, 1), weights, strict=True):
        drawn = (weight @ both).reshape(shape), (weight @ masks).reshape(units, -1)
        values = iou(*drawn, weight @ labelled, category, rules)
        own[0] = values.argmax(1)
        own[1] = np.where(values > floor, values, 0).argmax(1)
    return best[0], best[1]
