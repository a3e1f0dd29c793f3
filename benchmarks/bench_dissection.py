"""Counting pixels of masks and concepts beside NetDissect-Lite's loop, on the same activations.

Prints, for maps of the size of AlexNet's layers and labels like Broden's, milliseconds of one core
for an image, the ratio, and in how many pixels the counts differ: Lite's resizing rounds otherwise,
which tips a pixel that lies within 1e-6 of a threshold.
"""

import argparse
import time
from functools import partial

import numpy as np
import torch
from PIL import Image
from torch import Tensor

from shapebias_utils.hardware import keep_freed_memory
from shapebias_utils.measures.dissection.counts import Labels, tally
from shapebias_utils.measures.dissection.rules import PRESETS
from shapebias_utils.measures.dissection.upsampling import grid

SIZES = {"conv1": (64, 55), "conv2": (192, 27), "conv3": (384, 13), "conv5": (256, 13)}
SIZE, RULES = 112, PRESETS["netdissect_lite"]


def lite(
    maps: np.ndarray, thresholds: np.ndarray, planes: np.ndarray, whole: np.ndarray,
    category: np.ndarray,
) -> tuple[np.ndarray, np.ndarray]:  # fmt: skip
    """What NetDissect-Lite's `tally_job` does, an image and a unit at a time."""
    units, (height, width) = maps.shape[1], planes.shape[2:]
    one_hot = np.eye(category.max() + 1, dtype=int)[category]
    one_hot[0] = 0
    both = np.zeros((units, len(category)), int)
    masks = np.zeros((units, category.max() + 1), int)
    for image in range(len(maps)):
        for unit in range(units):
            feature_map = maps[image, unit]
            if feature_map.max() <= thresholds[unit]:
                continue
            large = Image.fromarray(feature_map, mode="F").resize((width, height), Image.BILINEAR)
            found = np.argwhere(np.asarray(large) > thresholds[unit])
            counts = np.bincount(planes[image][:, found[:, 0], found[:, 1]].ravel())
            counts[:1] = 0
            both[unit, : len(counts)] += counts
            meets = counts @ one_hot[: len(counts)]
            for label in whole[image][whole[image] > 0]:
                meets = meets + one_hot[label]
                both[unit, label] += len(found)
            masks[unit] += len(found) * (meets > 0)
    return both, masks


def ours(maps: Tensor, thresholds: Tensor, labels: Labels) -> list[Tensor]:
    """The same by :func:`tally`, 32 images at a time."""
    size = tuple(maps.shape[2:])
    laid = grid("half-pixel", (SIZE, SIZE), size, (2 * SIZE, 2 * SIZE), None)
    parts = [slice(i, i + 32) for i in range(0, len(maps), 32)]
    counts = [tally(maps[p], thresholds, laid, labels[p], RULES) for p in parts]
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


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--images", type=int, default=64)
    parser.add_argument("--repeats", type=int, default=3, help="timed runs, fastest kept")
    images, repeats = vars(parser.parse_args()).values()
    torch.set_num_threads(1)
    keep_freed_memory()
    rng = np.random.default_rng(0)
    planes, whole, category = scene(rng, images)
    labels = Labels.of(*map(torch.from_numpy, (planes, whole, category)))
    print(f"{images} images, {planes.shape[1]} planes of {SIZE}x{SIZE}, one thread, CPU time")
    sums = np.zeros(2)
    for layer, (units, size) in SIZES.items():
        maps = activations(rng, images, units, size)
        thresholds = np.quantile(maps, 0.995, axis=(0, 2, 3)).astype(np.float32)
        passing = (maps.max((2, 3)) > thresholds).mean()
        runs = (
            partial(lite, maps, thresholds, planes, whole, category),
            partial(ours, torch.from_numpy(maps), torch.from_numpy(thresholds), labels),
        )
        took, results = np.full(2, np.inf), [None, None]
        for _ in range(repeats):
            for i, work in enumerate(runs):
                began = time.process_time()
                results[i] = [np.asarray(r) for r in work()]
                took[i] = min(took[i], time.process_time() - began)
        both = [r[0][:, 1:] for r in results]
        apart, of = np.abs(both[0] - both[1]).sum(), both[0].sum()
        sums += took
        print(
            f"{layer}: {units} maps of {size}x{size}, {passing:.0%} passing: NetDissect-Lite "
            f"{1000 * took[0] / images:.1f} ms, ours {1000 * took[1] / images:.2f} ms, "
            f"ratio {took[0] / took[1]:.1f}; {apart} of {of} pixels differ"
        )
    print(f"all: ratio {sums[0] / sums[1]:.1f}")


if __name__ == "__main__":
    main()
