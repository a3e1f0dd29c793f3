"""Scores of channels by partial forward passes beside a full forward pass for each channel.

The plain loop is timed on some channels of each layer, spread evenly, and its time scaled to all of
them, in batches of 64. Both are on all images, also on those that neither cue decides, since the
margins are of all. All fp32. Seconds are of the processor, not of the clock, so that other
processes disturb little. The scores of the sampled channels must be the same, and the margins but
for rounding.
"""

import argparse
import time
from collections.abc import Callable, Iterator, Sequence
from functools import partial

import numpy as np
import pandas as pd
import torch
from timing import row
from torch import nn

from shapebias_utils.categories import CATEGORIES
from shapebias_utils.datasets import ImageSet, get_dataset
from shapebias_utils.hardware import device, keep_freed_memory
from shapebias_utils.hooks import ablate, record
from shapebias_utils.measures.ablation.scores import log_scores, scores
from shapebias_utils.measures.predictions import category_probabilities
from shapebias_utils.networks import Network, get_network, zoo


def seconds(work: Callable) -> tuple[float, object]:
    """Processor time of one run (of the clock on a GPU), and what the work returns."""
    clock = time.perf_counter if torch.cuda.is_available() else time.process_time
    began = clock()
    result = work()
    return clock() - began, result


def decide(
    module: nn.Module, network: Network, x: torch.Tensor, size: int
) -> tuple[np.ndarray, np.ndarray]:
    """The decisions, and the log score of each category."""
    with torch.no_grad():
        logits = torch.cat([module(part) for part in x.split(size)])
    by_category = category_probabilities(logits.softmax(1).cpu().numpy(), network.mapping())
    return np.array(CATEGORIES)[by_category.argmax(1)], log_scores(logits, network.mapping())


def margins(logs: np.ndarray, cues: np.ndarray) -> np.ndarray:
    """Of each image ``(2, N)``: shape's and texture's log score above the best of neither."""
    named = np.array([[CATEGORIES.index(c) for c in own] for own in cues])
    rows, neither = np.arange(len(logs)), logs.copy()
    neither[rows, named] = -np.inf
    return logs[rows, named] - neither.max(1)


def random_images(network: Network, n: int, size: int, neither: float) -> ImageSet:
    """Smooth random images, so named that all but a share of them are decided by a cue."""
    generator = torch.Generator().manual_seed(0)
    coarse = torch.rand(n, 3, size // 16, size // 16, generator=generator)
    x = nn.functional.interpolate(coarse, size=size, mode="bilinear")
    x = (x + 0.2 * torch.rand(n, 3, size, size, generator=generator)).clamp(0, 1)
    module = network.load().to(device())
    with torch.no_grad():  # random weights say the same of all images, but for this
        list(module.modules())[-1].bias -= module(x.to(device())).mean(0)
    said, _ = decide(module, network, x.to(device()), min(n, 64))
    names = []
    for i, category in enumerate(said):
        others = [c for c in CATEGORIES if c != category]
        cues = (category, others[0]) if i % 2 else (others[1], category)
        if i < round(neither * n):
            cues = others[2], others[3]
        names.append(f"{cues[0]}{i}-{cues[1]}{i}.png")
    table = pd.DataFrame({"imagename": names, "category": "", "label": -1})
    return ImageSet("random", table, lambda rows: x[list(rows)], "random")


def alexnet() -> nn.Module:
    """With weights by He et al. (2015): its logits depend on the image as much as trained ones."""
    module = zoo.alexnet()
    for layer in module.modules():
        if isinstance(layer, nn.Conv2d | nn.Linear):
            nn.init.kaiming_normal_(layer.weight, nonlinearity="relu")
            nn.init.zeros_(layer.bias)
    return module


def compare(network: Network, images: ImageSet, sampled: int) -> dict:
    """The row of all layers; SystemExit where any score is another."""
    module = network.load().to(device())
    x = images.load(range(len(images))).to(device(), memory_format=torch.channels_last)
    size = min(64, len(images))
    with record(module, network.layers) as seen:
        before, logs = decide(module, network, x, size)
    cues = images.table["imagename"].str.extract(r"([a-z]+)\d+-([a-z]+)").to_numpy().T
    conflict, widths = cues[0] != cues[1], {layer: a.shape[1] for layer, a in seen.items()}
    decided = (conflict & ((before == cues[0]) | (before == cues[1]))).mean()
    print(
        f"{network.name}: {len(images)} images of {x.shape[-1]} px, {decided:.0%} decided by a cue"
    )
    total = np.zeros(2)
    for layer, path in network.layers.items():
        units = np.unique(np.linspace(0, widths[layer] - 1, sampled).astype(int))

        def plain(units: Sequence[int] = units, path: str = path) -> tuple[list, list]:
            counts, lost = [], []
            for unit in units:
                with ablate(module, path, int(unit)):
                    after, without = decide(module, network, x, size)
                flipped = conflict & (after != before)
                counts.append([int((flipped & (before == cue)).sum()) for cue in cues])
                lost.append((margins(logs, cues) - margins(without, cues))[:, conflict].mean(1))
            return counts, lost

        took, (expected, lost) = seconds(plain)
        full = took / len(units) * widths[layer]
        part, table = seconds(partial(scores, network, images, layer=layer))
        found = table.loc[units, ["shape_score", "texture_score"]].to_numpy()
        near = table.loc[units, ["shape_margin", "texture_margin"]].to_numpy()
        apart = np.abs(near - np.array(lost)).max()
        equal = found.tolist() == expected and apart < 1e-4 * max(1, np.abs(lost).max())
        same = "equal" if equal else "DIFFERENT"
        total += full, part
        print(
            f"  {layer:12} {widths[layer]:4} channels  plain {full:8.1f} s (from {len(units)})  "
            f"partial {part:7.2f} s  {full / part:5.1f}x  scores {same}, up to {found.max()}; "
            f"margins apart by {apart:.0e}",
            flush=True,
        )
        if same != "equal":
            raise SystemExit("partial forward passes give other scores than full ones")
    full, part = total
    print(
        f"  {'all':12} {sum(widths.values()):4} channels  plain {full:8.1f} s            "
        f"partial {part:7.2f} s  {full / part:5.1f}x"
    )
    case = f"{network.name}, {sum(widths.values())} channels, {x.shape[-1]} px"
    return row(case, "a full pass a channel", part, full, 8.0, f"{len(images)} images, all layers")


def rows(
    images: int = 8, size: int = 224, neither: float = 0.35, sample: int = 2, mini: int = 12
) -> Iterator[dict]:
    """Of the paper's AlexNet, with random weights, and of the pictogram networks."""
    keep_freed_memory()
    torch.manual_seed(0)
    module = alexnet()
    network = Network("AlexNet, random weights", lambda: module, layers=zoo.LAYERS["AlexNet"])
    yield compare(network, random_images(network, images, size, neither), sample)
    stimuli = get_dataset("pictograms").images("cue_conflict")
    few = stimuli.subset(range(0, len(stimuli), -(-len(stimuli) // mini)), "few")
    for name in ("AlexNet", "GoogLeNet", "ResNet"):
        yield compare(get_network(name, "pictograms"), few, sample)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--images", type=int, default=32, help="for AlexNet (default 32)")
    parser.add_argument("--size", type=int, default=224, help="pixels a side (default 224)")
    parser.add_argument("--neither", type=float, default=0.35, help="share decided by no cue")
    parser.add_argument("--sample", type=int, default=4, help="channels a layer of the plain loop")
    parser.add_argument("--mini", type=int, default=32, help="stimuli for the pictogram networks")
    for _ in rows(**vars(parser.parse_args())):
        pass


if __name__ == "__main__":
    main()
