"""The cue mixer: any shape with any texture, as strong as you like."""

from collections.abc import Iterator, Mapping, Sequence
from html import escape

import ipywidgets
import numpy as np
import torch

from ..categories import CATEGORIES
from ..datasets import Dataset
from ..networks import Network
from .panel import Answers, picture, screen, watch

CONTRASTS = tuple(round(0.02 * i, 2) for i in range(26))


def cue_mixer(networks: Sequence[Network], dataset: Dataset) -> ipywidgets.Widget:
    """Menus for shape and texture, sliders for their contrasts and the pose; what networks say.

    Below the sliders stands at which contrasts of the texture each decision tips, when nothing has
    moved for a moment. On a dataset that cannot draw its images (`Dataset.compose`) a sentence says
    so.
    """
    if dataset.compose is None:
        return ipywidgets.HTML(f"{dataset.title} cannot draw an image of any shape and texture.")
    answers = Answers(networks)
    shape = ipywidgets.Dropdown(options=CATEGORIES, value="elephant", description="shape")
    texture = ipywidgets.Dropdown(options=CATEGORIES, value="clock", description="texture of")
    strength = ipywidgets.SelectionSlider(options=CONTRASTS, value=0.12, description="texture")
    lift = ipywidgets.FloatSlider(0.33, min=0, max=0.8, step=0.01, description="shape contrast")
    pose = ipywidgets.IntSlider(0, 0, 99, description="pose")
    image, bars, tips = screen(), ipywidgets.HTML(), ipywidgets.HTML()
    known: dict[tuple, str] = {}

    def drawn(contrast: float) -> torch.Tensor:
        settings = {"texture_contrast": contrast, "object_contrast": lift.value}
        return dataset.compose(shape.value, texture.value, pose.value, **settings)

    def but_strength() -> tuple:
        return shape.value, texture.value, pose.value, lift.value

    def show() -> None:
        x = drawn(strength.value)
        image.value, tips.value = picture(x), known.get(but_strength(), "")
        marks = {texture.value: "texture"} | {shape.value: "shape"}
        bars.value = answers.bars(x, marks)

    def find_tips() -> Iterator[None]:
        if but_strength() in known:
            return
        found: dict[str, list[int]] = {network.name: [] for network in networks}
        for contrast in CONTRASTS:
            x = drawn(contrast)[None]
            for network in networks:
                found[network.name].append(int(np.argmax(answers.scores(network, x))))
            yield
        known[but_strength()] = tips.value = _tips(found)

    controls = [shape, texture, strength, lift, pose]
    for control in controls:
        control.style.description_width = "7em"
    watch(controls, show, find_tips)
    left = ipywidgets.VBox([*controls, tips])
    return ipywidgets.VBox([ipywidgets.HBox([left, image]), bars])


def _tips(decisions: Mapping[str, Sequence[int]]) -> str:
    """Of each network, the contrasts of `CONTRASTS` at which the decision becomes another."""
    said = []
    for name, own in decisions.items():
        changes = [
            f"{CATEGORIES[a]} &rarr; {CATEGORIES[b]} at {level:g}"
            for a, b, level in zip(own, own[1:], CONTRASTS[1:], strict=False)
            if a != b
        ]
        first = f"{CATEGORIES[own[0]]} throughout"
        said.append(f"<b>{escape(name)}</b> tips: {', '.join(changes) or first}.")
    return "<br>".join(said)
