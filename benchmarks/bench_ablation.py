"""Scores of channels by partial forward passes beside a full forward pass for each channel.

The plain loop is timed on some channels of each layer, spread evenly, and its time scaled to all of
them. It runs over all images, as it must, in batches of 64; partial passes leave out those that are
decided by neither cue, a share that is set here (27 to 44 % for the paper's networks). All fp32.
Seconds are of the processor, not of the clock, so that other processes disturb little. The scores
of the sampled channels must be the same.
"""

import argparse
import time
from collections.abc import Callable, Sequence
from functools import partial

import numpy as np
import pandas as pd
import torch
from torch import nn

from shapebias_utils.categories import CATEGORIES
from shapebias_utils.datasets import ImageSet, get_dataset
from shapebias_utils.hardware import device, keep_freed_memory
from shapebias_utils.hooks import ablate, record
from shapebias_utils.measures.ablation.scores import scores
from shapebias_utils.measures.predictions import category_probabilities
from shapebias_utils.networks import Network, get_network, zoo


def seconds(work: Callable) -> tuple[float, object]:
    """Processor time of one run (of the clock on a GPU), and what the work returns."""
    clock = time.perf_counter if torch.cuda.is_available() else time.process_time
    began = clock()
    result = work()
    return clock() - began, result


def decide(module: nn.Module, network: Network, x: torch.Tensor, size: int) -> np.ndarray:
    with torch.no_grad():
        logits = torch.cat([module(part) for part in x.split(size)])
    by_category = category_probabilities(logits.softmax(1).cpu().numpy(), network.mapping())
    return np.array(CATEGORIES)[by_category.argmax(1)]


def random_images(network: Network, n: int, size: int, neither: float) -> ImageSet:
    """Smooth random images, so named that all but a share of them are decided by a cue."""
    generator = torch.Generator().manual_seed(0)
    coarse = torch.rand(n, 3, size // 16, size // 16, generator=generator)
    x = nn.functional.interpolate(coarse, size=size, mode="bilinear")
    x = (x + 0.2 * torch.rand(n, 3, size, size, generator=generator)).clamp(0, 1)
    module = network.load().to(device())
    with torch.no_grad():  # random weights say the same of all images, but for this
        list(module.modules())[-1].bias -= module(x.to(device())).mean(0)
    said = decide(module, network, x.to(device()), min(n, 64))
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


def compare(network: Network, images: ImageSet, sampled: int) -> None:
    module = network.load().to(device())
    x = images.load(range(len(images))).to(device(), memory_format=torch.channels_last)
    size = min(64, len(images))
    with record(module, network.layers) as seen:
        before = decide(module, network, x, size)
    cues = images.table["imagename"].str.extract(r"([a-z]+)\d+-([a-z]+)").to_numpy().T
    conflict, widths = cues[0] != cues[1], {layer: a.shape[1] for layer, a in seen.items()}
    decided = (conflict & ((before == cues[0]) | (before == cues[1]))).mean()
    print(
        f"{network.name}: {len(images)} images of {x.shape[-1]} px, {decided:.0%} decided by a cue"
    )
    total = np.zeros(2)
    for layer, path in network.layers.items():
        units = np.unique(np.linspace(0, widths[layer] - 1, sampled).astype(int))

        def plain(units: Sequence[int] = units, path: str = path) -> list[tuple[int, int]]:
            counts = []
            for unit in units:
                with ablate(module, path, int(unit)):
                    flipped = conflict & (decide(module, network, x, size) != before)
                counts.append(tuple(int((flipped & (before == cue)).sum()) for cue in cues))
            return counts

        took, expected = seconds(plain)
        full = took / len(units) * widths[layer]
        part, table = seconds(partial(scores, network, images, layer=layer))
        found = table.loc[units, ["shape_score", "texture_score"]].to_numpy()
        same = "equal" if found.tolist() == [list(c) for c in expected] else "DIFFERENT"
        total += full, part
        print(
            f"  {layer:12} {widths[layer]:4} channels  plain {full:8.1f} s (from {len(units)})  "
            f"partial {part:7.2f} s  {full / part:5.1f}x  scores {same}, up to {found.max()}",
            flush=True,
        )
        if same != "equal":
            raise SystemExit("partial forward passes give other scores than full ones")
    full, part = total
    print(
        f"  {'all':12} {sum(widths.values()):4} channels  plain {full:8.1f} s            "
        f"partial {part:7.2f} s  {full / part:5.1f}x; on the decided images alone "
        f"{decided * full / part:.1f}x"
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--images", type=int, default=32, help="for AlexNet (default 32)")
    parser.add_argument("--size", type=int, default=224, help="pixels a side (default 224)")
    parser.add_argument("--neither", type=float, default=0.35, help="share decided by no cue")
    parser.add_argument("--sample", type=int, default=4, help="channels a layer of the plain loop")
    parser.add_argument("--mini", type=int, default=32, help="stimuli for the pictogram networks")
    chosen = parser.parse_args()
    keep_freed_memory()
    torch.manual_seed(0)
    module = alexnet()
    network = Network("AlexNet, random weights", lambda: module, layers=zoo.LAYERS["AlexNet"])
    images = random_images(network, chosen.images, chosen.size, chosen.neither)
    compare(network, images, chosen.sample)
    stimuli = get_dataset("pictograms").images("cue_conflict")
    few = stimuli.subset(range(0, len(stimuli), -(-len(stimuli) // chosen.mini)), "few")
    for name in ("AlexNet", "GoogLeNet", "ResNet"):
        compare(get_network(name, "pictograms"), few, chosen.sample)


if __name__ == "__main__":
    main()
