"""What an explorer takes to answer a change, in milliseconds of one thread.

Time of the processor alone, from the new value of a control to the new picture and numbers: this
is the answer. The longest piece of the finer work that follows while nothing moves (attacks, tips,
decisions without a channel) is how long the next change may have to wait. Each value is one that
the explorer has not seen before, where there are as many.
"""

import asyncio
import itertools
import time
from collections.abc import Callable, Iterator

import ipywidgets
import numpy as np
import pandas as pd
import torch
from timing import row

from shapebias_utils.categories import CATEGORIES
from shapebias_utils.datasets import get_dataset
from shapebias_utils.distortions import distortion_names, lacking
from shapebias_utils.networks import get_networks
from shapebias_utils.widgets import (
    attack_scrubber,
    cue_mixer,
    distorter,
    eraser,
    explore,
    panel,
    unit_microscope,
)

CHANGES, WARM = 33, 3
"""Of each control; the first are not counted: what is loaded once is loaded."""

PIECES, QUIET = 6, 20
"""Of an answer and what follows, at most; turns of the event loop without work that end it."""

ARCHITECTURES = ("AlexNet", "GoogLeNet", "ResNet")


def control(widget: ipywidgets.Widget, description: str) -> ipywidgets.Widget | None:
    """The control of that description inside a widget."""
    if getattr(widget, "description", None) == description:
        return widget
    found = (control(child, description) for child in getattr(widget, "children", ()))
    return next((c for c in found if c is not None), None)


async def pieces(change: Callable[[], None]) -> list[float]:
    """Milliseconds of each piece of work that a change leads to, the answer first; none without."""
    change()
    found, quiet = [], 0
    while quiet < QUIET and len(found) < PIECES:
        began = time.process_time()
        await asyncio.sleep(0)
        took = 1000 * (time.process_time() - began)
        quiet = 0 if took > 1 else quiet + 1
        if took > 1:
            found.append(took)
    return found


async def timed(
    widget: ipywidgets.Widget, description: str, values: Iterator, changes: int
) -> np.ndarray:
    """Milliseconds ``(changes, 2)`` of the answer, and of the longest piece after it."""
    moved, rows = control(widget, description), []
    for value in itertools.islice(values, changes):
        found = await pieces(lambda value=value: setattr(moved, "value", value))
        if found:  # the value was another
            rows.append((found[0], max(found[1:], default=0.0)))
    return np.array(rows[WARM:])


def explorers(architecture: str) -> Iterator[tuple[str, ipywidgets.Widget, str, Iterator]]:
    """Name, explorer, description of a control of it, and values for that control."""
    data = get_dataset("pictograms")
    pair = get_networks("pictograms", f"{architecture}, {architecture}-R")
    whole = data.images("validation").where("whole", "whole", 64)
    stimuli = data.images("cue_conflict")
    few = stimuli.subset(range(240), "few")
    there = [n for n in distortion_names() if not lacking(data, (n,))]
    images, categories = range(1, 64), itertools.cycle(CATEGORIES)
    yield "browser", explore(pair, stimuli), "image", iter(range(1, 200))
    mixer = cue_mixer(pair, data)
    for name, values in {
        "shape": categories, "texture of": categories, "pose": iter(range(1, 100)),
        "shape contrast": (i / 100 for i in range(80)),
        "texture": itertools.cycle(np.round(0.02 * np.arange(26), 2).tolist()),
    }.items():  # fmt: skip
        yield "cue mixer", mixer, name, values
    scrubber = attack_scrubber(pair, whole, data)
    yield "attack scrubber", scrubber, "eps", itertools.cycle(data.eps_grid[::-1])
    yield "attack scrubber", scrubber, "image", iter(images)
    rubber = eraser(pair, whole, data)
    regions = control(rubber, "erase").options[:3]
    yield "eraser", rubber, "erase", itertools.cycle([(r,) for r in regions])
    yield "eraser", rubber, "image", iter(images)
    photo = distorter(pair, whole, data.size)
    yield "distortions", photo, "or image", iter(images)
    yield "distortions", photo, "distorted", itertools.cycle(there)
    layers = list(pair[0].layers)
    channels = itertools.product([n.name for n in pair], layers, range(64))
    labels = pd.DataFrame(channels, columns=["network", "layer", "unit"])
    labels = labels.assign(concept="striped", category="texture", iou=0.1, threshold=0.5)
    microscope = unit_microscope(pair, {"labels": labels}, few, stimuli)
    yield "unit microscope", microscope, "channel", iter(range(1, 60))
    yield "unit microscope", microscope, "layer", itertools.cycle(layers)
    yield "unit microscope", microscope, "network", itertools.cycle(n.name for n in pair[::-1])


def measured(
    architectures: tuple[str, ...] = ARCHITECTURES, changes: int = CHANGES
) -> pd.DataFrame:
    """A row an architecture and control: median and 95th percentile, ms of one thread."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    pause, panel.PAUSE, rest, panel.REST = panel.PAUSE, 0, panel.REST, 0
    found = []
    try:
        for architecture in architectures:
            for name, widget, description, values in explorers(architecture):
                times = asyncio.run(timed(widget, description, values, changes))
                answer, longest = times.T
                found.append(
                    (architecture, name, description, np.median(answer),
                     np.quantile(answer, 0.95), np.quantile(longest, 0.95))
                )  # fmt: skip
    finally:
        panel.PAUSE, panel.REST = pause, rest
        torch.set_num_threads(threads)
    columns = ["networks", "explorer", "control", "median", "p95", "longest_p95"]
    return pd.DataFrame(found, columns=columns)


def rows() -> Iterator[dict]:
    """A row a control, against the tenth of a second that a reader does not notice."""
    for found in measured(("ResNet",), 24).itertuples():
        case = f"{found.networks}: {found.explorer}, {found.control}, 95th percentile"
        note = f"{found.longest_p95:.0f} ms the longest piece of what follows"
        yield row(case, "100 ms", found.p95 / 1000, 0.1, 1.0, note)


def main() -> None:
    print(measured().round(1).to_string(index=False))


if __name__ == "__main__":
    main()
