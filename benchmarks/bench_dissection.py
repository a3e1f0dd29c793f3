"""Counting pixels of masks and concepts beside NetDissect-Lite's loop, on the same activations.

Prints, for maps of several sizes and labels like Broden's, milliseconds of one core for an image,
the ratio, and in how many pixels the counts differ: Lite's resizing rounds otherwise, which tips a
pixel that lies within 1e-6 of a threshold. Both read the labels as they find them: Lite the PNG
files of each image, once a layer; ours what it keeps on disk, once for all layers, which is counted
whole in each line here.

Ours is ten times faster than Lite at 28x28, 27x27, 14x14 and, just about, 13x13; at 55x55 it is 7
to 8 times and at 113x113 5 times as fast, since a Lite that skips half of the maps leaves 1.0 and
1.2 ms an image for that. Of these go, at 55x55 and 113x113: 0.4 and 0.4 to read, check and count
the labels (0.15 of it zlib), 0.15 and 0.45 to read the maps from memory and compare them once,
0.2 and 0.7 to find the windows near a value above (two passes over bytes, and 20 ns for each that
is found), 0.4 and 0.7 to evaluate these, half a hundred operations on lists of them, and 0.2 to
count. The first two no operator of NumPy or PyTorch avoids.

`--memory IMAGES` measures instead the memory of a whole dissection of so many synthetic images.
"""

import argparse
import resource
import tempfile
import time
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import numpy as np
import pandas as pd
import torch
from PIL import Image
from timing import row
from torch import Tensor

from shapebias_utils.datasets import ImageSet
from shapebias_utils.datasets.concepts import ConceptSet
from shapebias_utils.datasets.labels_on_disk import concept_set, keep, kept
from shapebias_utils.hardware import keep_freed_memory
from shapebias_utils.measures.dissection.counts import read_labels, tally
from shapebias_utils.measures.dissection.dissect import dissect
from shapebias_utils.measures.dissection.rules import PRESETS
from shapebias_utils.measures.dissection.upsampling import grid

SIZES = {
    "113x113": (64, 113), "55x55": (64, 55), "28x28": (256, 28), "27x27": (192, 27),
    "14x14": (512, 14), "13x13": (384, 13),
}  # fmt: skip
SIZE, RULES = 112, PRESETS["netdissect_lite"]


def lite(
    maps: np.ndarray, thresholds: np.ndarray, folder: Path, whole: np.ndarray,
    category: np.ndarray,
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:  # fmt: skip
    """What NetDissect-Lite's `tally_job` does, an image and a unit at a time.

    Pixels of units and labels, of units by category, and of labels.
    """
    units, height, width = maps.shape[1], SIZE, SIZE
    one_hot = np.eye(category.max() + 1, dtype=int)[category]
    one_hot[0] = 0
    both = np.zeros((units, len(category)), int)
    masks = np.zeros((units, category.max() + 1), int)
    labelled = np.zeros(len(category), int)
    for image in range(len(maps)):
        planes = np.stack([_decoded(path) for path in sorted(folder.glob(f"{image:05d}_*.png"))])
        for label in whole[image]:
            labelled[label] += height * width
        counts = np.bincount(planes.ravel())
        labelled[: len(counts)] += counts
        for unit in range(units):
            feature_map = maps[image, unit]
            if feature_map.max() <= thresholds[unit]:
                continue
            large = Image.fromarray(feature_map, mode="F").resize((width, height), Image.BILINEAR)
            found = np.argwhere(np.asarray(large) > thresholds[unit])
            counts = np.bincount(planes[:, found[:, 0], found[:, 1]].ravel())
            counts[:1] = 0
            both[unit, : len(counts)] += counts
            meets = counts @ one_hot[: len(counts)]
            for label in whole[image][whole[image] > 0]:
                meets = meets + one_hot[label]
                both[unit, label] += len(found)
            masks[unit] += len(found) * (meets > 0)
    return both, masks, labelled


def _decoded(path: Path) -> np.ndarray:
    """As Lite decodes a plane: number = R + 256 G."""
    pixels = np.asarray(Image.open(path)).astype(int)
    return pixels[:, :, 0] + 256 * pixels[:, :, 1]


def written(planes: np.ndarray, folder: Path) -> None:
    """The planes as PNG files, as Broden has them."""
    for i, image in enumerate(planes):
        for k, plane in enumerate(image):
            pixels = np.stack([plane % 256, plane // 256, np.zeros_like(plane)], -1)
            Image.fromarray(pixels.astype(np.uint8)).save(folder / f"{i:05d}_{k}.png")


def ours(maps: Tensor, thresholds: Tensor, concepts: ConceptSet) -> list[Tensor]:
    """The same by :func:`tally` and `Labels.pixels`, 32 images at a time."""
    size = tuple(maps.shape[2:])
    laid = grid("half-pixel", (SIZE, SIZE), size, (2 * SIZE, 2 * SIZE), None)
    parts = [slice(i, i + 32) for i in range(0, len(maps), 32)]
    counts = []
    for p in parts:
        labels = read_labels(concepts, list(range(len(maps)))[p], (SIZE, SIZE), RULES)
        counts.append((*tally(maps[p], thresholds, laid, labels, RULES), labels.pixels.sum(0)))
    return [sum(each) for each in zip(*counts, strict=True)]


def scene(rng: np.random.Generator, images: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Labels as in Broden: colours everywhere, blobs of objects, two planes of parts, a scene."""
    category = np.concatenate([[0], np.repeat([1, 2, 3, 4, 5, 6], [11, 584, 234, 32, 47, 289])])
    edge = np.searchsorted(category, np.arange(1, 8))

    def blobs(low: int, high: int, coarse: int, share: float) -> np.ndarray:
        labels = rng.integers(low, high, (images, coarse, coarse))
        labels[rng.random(labels.shape) > share] = 0
        times = SIZE // coarse
        return labels.repeat(times, 1).repeat(times, 2)

    planes = [blobs(edge[0], edge[1], 28, 1), blobs(edge[1], edge[2], 7, 0.8)]
    planes += [blobs(edge[2], edge[3], 14, 0.3), blobs(edge[2], edge[3], 14, 0.1)]
    whole = rng.integers(edge[5], edge[6], (images, 1)) * (rng.random((images, 1)) < 0.3)
    return np.stack(planes, 1), whole, category


def activations(rng: np.random.Generator, images: int, units: int, size: int) -> np.ndarray:
    """Rectified smooth noise, its strength different from image to image as that of a unit is."""
    coarse = rng.standard_normal((images, units, size + 2, size + 2), dtype=np.float32)
    smooth = sum(coarse[:, :, i : i + size, j : j + size] for i in range(3) for j in range(3))
    strength = rng.gamma(4.0, 0.25, (images, units, 1, 1)).astype(np.float32)
    return np.maximum(smooth * strength, 0)


def kept_on_disk(
    planes: np.ndarray, whole: np.ndarray, category: np.ndarray, folder: Path
) -> ConceptSet:
    """The labels as the package keeps them, of images that are not looked at."""
    names = [f"{i:05d}.png" for i in range(len(planes))]
    images = ImageSet("bench", pd.DataFrame({"imagename": names}), lambda rows: None, "bench")
    numbers = np.arange(1, len(category))
    kinds = [f"kind {c}" for c in category[1:]]
    table = pd.DataFrame({"number": numbers, "name": numbers.astype(str), "category": kinds})
    rows = ((p, w[w > 0]) for p, w in zip(planes, whole, strict=True))
    keep(folder, {}, rows, {})
    return concept_set(images, table, kept(folder, {}))


def memory(count: int) -> None:
    """Dissect so many synthetic images; prints the most memory that the process ever took."""
    import torch.nn as nn

    from shapebias_utils.networks import Network

    rng = np.random.default_rng(0)
    planes, whole, category = scene(rng, 64)
    with tempfile.TemporaryDirectory() as folder:
        few = kept_on_disk(planes[:, :, ::2, ::2], whole, category, Path(folder))
        names = [f"{i:06d}.png" for i in range(count)]

        def load(rows: list[int]) -> Tensor:
            noise = torch.rand(len(rows), 3, 16, 16, generator=torch.manual_seed(int(rows[0])))
            return noise.repeat_interleave(2, 2).repeat_interleave(2, 3)

        images = ImageSet("synthetic", pd.DataFrame({"imagename": names}), load, "synthetic")
        concepts = ConceptSet(
            images, few.concepts, lambda rows: few.labels([row % 64 for row in rows]), "synthetic"
        )

        def build() -> nn.Module:
            torch.manual_seed(0)
            first = nn.Sequential(nn.Conv2d(3, 64, 5, 2, 2), nn.ReLU())
            return nn.Sequential(first, nn.Sequential(nn.Conv2d(64, 64, 3, 2, 1), nn.ReLU()))

        network = Network("Synthetic", build, layers={"conv1": "0", "conv2": "1"}, n_classes=1)
        before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20
        began = time.time()
        dissect(network, concepts, draws=20)
        after = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20
    values = 64 * (16 * 16 + 8 * 8)
    print(
        f"{count} images, {values} activations an image ({count * values * 4 / 2**30:.1f} GB in "
        f"all): at most {after:.2f} GB, {before:.2f} of them before; {time.time() - began:.0f} s"
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--images", type=int, default=64)
    parser.add_argument("--repeats", type=int, default=3, help="timed runs, fastest kept")
    parser.add_argument("--memory", type=int, default=0, metavar="IMAGES")
    images, repeats, many = vars(parser.parse_args()).values()
    torch.set_num_threads(1)
    keep_freed_memory()
    if many:
        memory(many)
        return
    for _ in rows(images, repeats):
        pass


def rows(images: int = 64, repeats: int = 2) -> Iterator[dict]:
    """A row a size of maps."""
    torch.set_num_threads(1)
    keep_freed_memory()
    with tempfile.TemporaryDirectory() as folder:
        yield from compare(images, repeats, Path(folder))


def compare(images: int, repeats: int, folder: Path) -> Iterator[dict]:
    rng = np.random.default_rng(0)
    planes, whole, category = scene(rng, images)
    (folder / "png").mkdir()
    written(planes, folder / "png")
    concepts = kept_on_disk(planes, whole, category, folder / "labels")
    print(f"{images} images, {planes.shape[1]} planes of {SIZE}x{SIZE}, one thread, CPU time")
    sums = np.zeros(2)
    for layer, (units, size) in SIZES.items():
        maps = activations(rng, images, units, size)
        thresholds = np.quantile(maps, 0.995, axis=(0, 2, 3)).astype(np.float32)
        passing = (maps.max((2, 3)) > thresholds).mean()
        runs = (
            partial(lite, maps, thresholds, folder / "png", whole, category),
            partial(ours, torch.from_numpy(maps), torch.from_numpy(thresholds), concepts),
        )
        took, results = np.full(2, np.inf), [None, None]
        for _ in range(repeats):
            for i, work in enumerate(runs):
                began = time.process_time()
                results[i] = [np.asarray(r) for r in work()]
                took[i] = min(took[i], time.process_time() - began)
        both = [r[0][:, 1:] for r in results]
        apart, of = np.abs(both[0] - both[1]).sum(), both[0].sum()
        assert np.array_equal(*(r[2][1:] for r in results))
        sums += took
        print(
            f"{units} maps of {layer}, {passing:.0%} passing: NetDissect-Lite "
            f"{1000 * took[0] / images:.1f} ms, ours {1000 * took[1] / images:.2f} ms, "
            f"ratio {took[0] / took[1]:.1f}; {apart} of {of} pixels differ",
            flush=True,
        )
        case = f"tally, {units} maps of {layer}"
        note = f"{apart} of {of} pixels differ"
        yield row(case, "NetDissect-Lite", took[1] / images, took[0] / images, 10.0, note)
    print(f"all: ratio {sums[0] / sums[1]:.1f}")


if __name__ == "__main__":
    main()
