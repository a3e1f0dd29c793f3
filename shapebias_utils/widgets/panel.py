"""What explorers are made of: networks that answer at once, pictures, bars, the latest value."""

import asyncio
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from html import escape
from io import BytesIO

import ipywidgets
import numpy as np
import torch
from PIL import Image
from torch import Tensor

from ..categories import CATEGORIES
from ..hardware import float32
from ..measures.predictions import category_probabilities
from ..measures.stream import loaded
from ..networks import Network

SIDE = 256
"""Pixels of a picture's longer side on the screen, about."""

PAUSE, REST = 0.02, 0.2
"""Seconds after a change until it is answered, and after that until the finer work begins."""

END = object()


class Answers:
    """Networks, loaded once, that say of images what they see."""

    def __init__(self, networks: Sequence[Network]) -> None:
        """ValueError if no networks are given."""
        if not networks:
            raise ValueError("no networks are given")
        self.networks = list(networks)
        self.modules = {n.name: loaded(n) for n in networks}

    def scores(self, network: Network, x: Tensor) -> np.ndarray:
        """Scores of the categories, ``(N, 16)``, of images ``(N, 3, H, W)`` in [0, 1]."""
        module = self.modules[network.name]
        where = next(module.parameters()).device
        with float32(), torch.no_grad():
            classes = module(x.to(where, memory_format=torch.channels_last)).softmax(1)
        return category_probabilities(classes.cpu().numpy(), network.mapping())

    def bars(self, x: Tensor, marks: dict[str, str] | None = None) -> str:
        """What each network says of an image ``(3, H, W)``, as HTML; `marks`: category -> note."""
        return self.bars_of([self.scores(network, x[None])[0] for network in self.networks], marks)

    def bars_of(self, scores: Sequence[np.ndarray], marks: dict[str, str] | None = None) -> str:
        """The same from scores that are there already, in the order of the networks."""
        panels = [
            _bars(network, own, marks or {})
            for network, own in zip(self.networks, scores, strict=True)
        ]
        return f'<div style="display:flex;gap:24px;flex-wrap:wrap">{"".join(panels)}</div>'


def _bars(network: Network, scores: np.ndarray, marks: dict[str, str]) -> str:
    rows = []
    for category, score in zip(CATEGORIES, scores, strict=True):
        if not np.isfinite(score):
            continue
        note = f" ({marks[category]})" if category in marks else ""
        weight = "bold" if note else "normal"
        rows.append(
            f'<div style="display:flex;height:15px;font-size:11px;line-height:15px">'
            f'<span style="width:120px;font-weight:{weight}">{escape(category + note)}</span>'
            f'<span style="width:{max(1, round(130 * score))}px;background:{network.colour};'
            f'height:10px;margin:2px 4px 0 0"></span><span>{score:.2f}</span></div>'
        )
    said = CATEGORIES[int(np.argmax(scores))]
    title = f"<b>{escape(network.name)}: {said}</b>"
    return f'<div style="min-width:300px">{title}{"".join(rows)}</div>'


def picture(x: Tensor | np.ndarray, side: int = SIDE) -> bytes:
    """A PNG of an image ``(3, H, W)`` in [0, 1], enlarged to about `side` without smoothing."""
    pixels = np.asarray(x, np.float32).clip(0, 1).transpose(1, 2, 0)
    image = Image.fromarray((255 * pixels).round().astype(np.uint8))
    scale = max(1, side // max(image.size))
    buffer = BytesIO()
    image.resize([scale * s for s in image.size], Image.Resampling.NEAREST).save(
        buffer, "PNG", compress_level=1
    )
    return buffer.getvalue()


def screen() -> ipywidgets.Image:
    """A picture to be filled. It has no tooltip: with one, ipywidgets 8.1 shows an error for it."""
    return ipywidgets.Image(format="png", layout=ipywidgets.Layout(object_fit="contain"))


def latest(
    function: Callable[[], None], finish: Callable[[], Iterator[None]] | None = None
) -> Callable[..., None]:
    """`function`, called soon after the last of several changes, once: what is between is skipped.

    When nothing has changed for a moment, `finish` does what takes longer: a generator, of which a
    step is taken at a time, so that the kernel answers in between; the next change ends it. Where
    no event loop runs (headless, in tests) all is done at once.
    """
    waiting: list[asyncio.TimerHandle] = []

    def after(seconds: float, what: Callable[..., None], *given: object) -> None:
        waiting[:] = [asyncio.get_running_loop().call_later(seconds, what, *given)]

    def run() -> None:
        function()
        if finish is not None:
            after(REST, step, finish())

    def step(steps: Iterator[None]) -> None:
        if next(steps, END) is not END:
            after(0, step, steps)

    def changed(_: object = None) -> None:
        try:
            asyncio.get_running_loop()
        except RuntimeError:
            function()
            deque(finish() if finish is not None else (), maxlen=0)
            return
        for handle in waiting:
            handle.cancel()
        after(PAUSE, run)

    return changed


def watch(
    controls: Sequence[ipywidgets.Widget],
    function: Callable[[], None],
    finish: Callable[[], Iterator[None]] | None = None,
) -> Callable[..., None]:
    """Call `function`, then `finish`, whenever a control's value changes (:func:`latest`), and now.

    The first time `function` is called at once: an explorer is never shown empty. What is returned
    calls them for other changes.
    """
    changed = latest(function, finish)
    for control in controls:
        control.observe(changed, names="value")
    function()
    if finish is not None:
        changed()
    return changed
