"""The explorer shows another image, and what the networks make of it, when its slider moves."""

import io

import numpy as np
import pandas as pd
import pytest
import torch
from PIL import Image

from shapebias_utils.datasets import ImageSet
from shapebias_utils.measures.predictions import decide
from shapebias_utils.networks import Network, mini
from shapebias_utils.widgets import explore


def build():
    torch.manual_seed(0)
    return mini.AlexNet()


NETWORK = Network("Untrained", build, dataset="pictograms", n_classes=16)


def images(n: int) -> ImageSet:
    table = pd.DataFrame({"imagename": [f"cat{i}-dog{i}.png" for i in range(n)]})
    table = table.assign(category="cat", label=7)

    def load(rows):
        return torch.stack([torch.full((3, 32, 32), r / 10) for r in rows])

    return ImageSet("stimuli", table, load, "digest")


def parts(explorer):
    (slider, label), picture = explorer.children[0].children, explorer.children[1]
    return slider, label, picture


def test_moving_the_slider_shows_another_image_and_its_decisions(monkeypatch):
    asked = []

    def recorded(networks, stimuli, row):
        asked.append(row)
        return decide(networks, stimuli, row)

    monkeypatch.setattr("shapebias_utils.widgets.decide", recorded)
    slider, label, picture = parts(explore([NETWORK], images(5)))
    assert (slider.min, slider.max, slider.value) == (0, 4, 0)
    assert label.value == "cat0-dog0.png" and asked == [0]
    first = picture.value
    slider.value = 3
    assert label.value == "cat3-dog3.png" and asked == [0, 3]
    assert picture.value != first
    pixels = np.asarray(Image.open(io.BytesIO(picture.value)).convert("RGB"))
    greys = [(pixels == round(255 * r / 10)).all(axis=2).sum() for r in range(5)]
    assert int(np.argmax(greys[1:])) + 1 == 3, "the image shown is the third, a grey of 0.3"
    slider.value = 0
    assert picture.value == first, "the same image gives the same picture"


def test_one_image_can_be_explored_and_none_is_refused():
    slider, label, _ = parts(explore([NETWORK], images(1)))
    assert slider.max == 0 and label.value == "cat0-dog0.png"
    with pytest.raises(ValueError, match="stimuli has no images to explore"):
        explore([NETWORK], images(0))
    with pytest.raises(ValueError, match="no networks are given"):
        explore([], images(2))
