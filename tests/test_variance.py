"""Shares of variance: made channels whose factors are known, and the images they are crossed on."""

import numpy as np
import pandas as pd
import pytest
import torch
from torch import nn

from shapebias_utils.datasets import ImageSet, get_dataset
from shapebias_utils.datasets.pictograms.factorial import COUNT, SETTINGS, draw, levels
from shapebias_utils.datasets.pictograms.render import factors
from shapebias_utils.measures.dissection.variance import (
    refuse_unbalanced,
    selectivity,
    shares,
    variance_by_factor,
)
from shapebias_utils.networks import Network

NAMES = ("shape", "texture", "colour")
CODES = [np.array(each) for each in zip(*(levels(i) for i in range(COUNT)), strict=True)]
CODES = [pd.factorize(codes)[0] for codes in CODES]


def effect(codes: np.ndarray, rng: np.random.Generator, variance: float) -> np.ndarray:
    """A value for each level, of this variance over the images."""
    values = rng.standard_normal(codes.max() + 1)[codes]
    return (values - values.mean()) / values.std() * np.sqrt(variance)


def test_each_pair_of_levels_is_seen_equally_often():
    refuse_unbalanced(dict(zip(NAMES, CODES, strict=True)), "factorial")
    assert [codes.max() + 1 for codes in CODES] == [16, 16, 4]
    skewed = dict(zip(NAMES, CODES, strict=True)) | {"colour": CODES[0] % 4}
    with pytest.raises(ValueError, match="shape and colour are not crossed"):
        refuse_unbalanced(skewed, "skewed")


@pytest.mark.parametrize(
    "parts", [(1, 0, 0), (0, 1, 0), (0, 0, 1), (0.5, 0.3, 0.2), (0.1, 0.1, 0.8)]
)
def test_shares_of_made_channels_are_exact(parts):
    rng = np.random.default_rng(0)
    made = sum(effect(codes, rng, p) for codes, p in zip(CODES, parts, strict=True))
    found = shares(made[:, None] + 5, CODES, NAMES)
    assert [found[name][0] for name in NAMES] == pytest.approx(parts, abs=1e-9)
    assert found["shape x texture"][0] == pytest.approx(0, abs=1e-9)
    assert found["rest"][0] == pytest.approx(0, abs=1e-9)


def test_an_interaction_and_noise_are_told_from_the_factors():
    rng = np.random.default_rng(1)
    pair = CODES[0] * 16 + CODES[1]
    interaction = rng.standard_normal((16, 16))
    interaction -= interaction.mean(0)
    interaction -= interaction.mean(1, keepdims=True)
    made = interaction.flatten()[pair]
    made = made / made.std() * np.sqrt(0.4) + effect(CODES[0], rng, 0.6)
    found = shares(made[:, None], CODES, NAMES)
    assert found["shape"][0] == pytest.approx(0.6, abs=1e-9)
    assert found["shape x texture"][0] == pytest.approx(0.4, abs=1e-9)
    noise = rng.standard_normal((COUNT, 400))
    found = shares(noise, CODES, NAMES)
    for name in (*NAMES, "shape x texture"):  # unbiased: noise explains nothing on average
        spread = found[name].std() / 20
        assert abs(found[name].mean()) < 4 * spread + 1e-3, name
    half = effect(CODES[1], rng, 1.0)[:, None] + noise
    assert shares(half, CODES, NAMES)["texture"].mean() == pytest.approx(0.5, abs=0.02)


def test_a_channel_that_never_responds_has_no_shares():
    found = shares(np.zeros((COUNT, 1)), CODES, NAMES)
    assert np.isnan(found["shape"]).all() and np.isnan(found["rest"]).all()
    assert np.isnan(found["shape_selectivity"]).all()


def test_selectivity_by_hand():
    means = np.array([[4.0, 1, 2], [0, 1, 1], [0, 1, 0]])
    assert selectivity(means).tolist() == pytest.approx([1, 0, 0.6])


class Means(nn.Module):
    """Two channels: the image's red, and its green less .5 where that is more."""

    def __init__(self) -> None:
        super().__init__()
        self.see = nn.Identity()

    def forward(self, x):
        return self.see(torch.stack([x[:, 0], (x[:, 1] - 0.5).clamp(min=0)], 1)).mean((2, 3))


def test_of_a_network_whose_channels_see_shape_and_texture():
    rng = np.random.default_rng(0)
    red = 0.5 + 0.1 * effect(CODES[0], rng, 1).clip(-3, 3)
    green = 0.5 + 0.4 * (CODES[1] == 3)
    pixels = torch.zeros(COUNT, 3, 2, 2)
    pixels[:, 0] += torch.tensor(red)[:, None, None]
    pixels[:, 1] += torch.tensor(green)[:, None, None]
    table = pd.DataFrame(dict(zip(NAMES, CODES, strict=True)))
    table["imagename"] = [f"{i}.png" for i in range(COUNT)]
    images = ImageSet("made", table, lambda rows: pixels[list(rows)], "d")
    found = variance_by_factor(Network("N", Means, layers={"see": "see"}), images)
    assert found[["layer", "unit"]].to_numpy().tolist() == [["see", 0], ["see", 1]]
    assert found["shape"].tolist() == pytest.approx([1, 0], abs=1e-5)
    assert found["texture"].tolist() == pytest.approx([0, 1], abs=1e-5)
    assert found["texture_selectivity"].tolist()[1] == pytest.approx(1, abs=1e-5)


def test_the_images_have_their_factors():
    pixels = draw(range(5))
    assert pixels.shape == (5, 3, 64, 64) and len({p.tobytes() for p in pixels}) == 5
    shapes, textures, colours = zip(*(levels(i) for i in range(5)), strict=True)
    assert len(set(shapes)) == 1 and textures[0] == textures[3] != textures[4]
    assert colours == ("light", "red", "green", "blue", "light")
    assert factors("cue_conflict", 10_000, SETTINGS).whole


@pytest.mark.slow
def test_the_dataset_offers_them():
    images = get_dataset("pictograms").factorial()
    assert len(images) == COUNT and images.load([0, COUNT - 1]).shape == (2, 3, 64, 64)
