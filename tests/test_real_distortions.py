"""Real photographs and a real network: each distortion, looked at by what it costs in accuracy.

``shapebias distort PHOTO...`` draws the same for the eye.
"""

from functools import cache

import numpy as np
import pandas as pd
import pytest
import torch
from torchvision.models import squeezenet1_1

from shapebias_utils.datasets import get_dataset
from shapebias_utils.datasets.image_files import photographs
from shapebias_utils.distortions import distorted, distortion_names, get_distortion
from shapebias_utils.networks.checkpoints import load_into
from shapebias_utils.networks.normalised import normalised
from shapebias_utils.paths import ROOT

REAL = ROOT.parent / "shared" / "data"
WEIGHTS = REAL / "networks" / "squeezenet1_1_caffe.pth"
PHOTOS = REAL / "imagenet_samples"

pytestmark = pytest.mark.skipif(
    not (WEIGHTS.exists() and PHOTOS.exists()), reason=f"no real photographs and weights at {REAL}"
)


@cache
def the_photographs():
    """The 47 photographs, and their labels."""
    table = pd.read_csv(PHOTOS / "labels.csv")
    images = photographs([PHOTOS / name for name in table["filename"]])
    pixels = images.load(range(len(images)))
    return images, pixels, table["imagenet_index"].to_numpy()


@cache
def squeezenet():
    caffe = {"mean": (104, 117, 123), "std": (1, 1, 1), "scale": 255, "bgr": True, "size": 227}
    network = normalised(squeezenet1_1(), **caffe)
    load_into(network, WEIGHTS)
    return network.eval().requires_grad_(False)


@cache
def correct(name: str = "", level: float = 1) -> int:
    """Of the 47 photographs, how many SqueezeNet labels correctly when they are distorted."""
    images, pixels, labels = the_photographs()
    if name:
        changed = distorted(get_dataset("imagenet"), images, name, level)
        pixels = changed.load(range(len(images)))
        assert 0 <= pixels.min() and pixels.max() <= 1
    with torch.inference_mode():
        return int((squeezenet()(pixels).argmax(1).numpy() == labels).sum())


def test_squeezenet_knows_most_photographs_as_they_are():
    """62 % of its 1,000 source photographs, 34 of these 47."""
    assert correct() >= 30


def test_scrambling_costs_more_the_smaller_the_patches():
    counts = [correct(), *(correct("scramble", p) for p in (2, 4, 8))]
    assert counts == sorted(counts, reverse=True) and counts[-1] <= counts[0] - 20
    assert abs(correct("scramble_paper", 8) - counts[-1]) <= 5


@pytest.mark.parametrize(
    ("name", "level", "most"),
    [("saturation", 2, 0), ("uniform_noise", 0.9, -25), ("greyscale", 1, 2), ("edges", 0.4, -25),
     ("black_and_white_untraced", 0.5, -20), ("low_pass", 40, -25), ("phase_noise", 180, -25)],
)  # fmt: skip
def test_what_destroys_most_of_a_photograph_costs_most(name, level, most):
    """`most` more (or fewer) than as they are; saturation 2 changes nothing."""
    assert correct(name, level) <= correct() + most
    assert name != "saturation" or correct(name, level) == correct()


def at_its_ends(name: str) -> list[int]:
    """The correct ones at the mildest and at the severest level; saturation is mildest at 2."""
    levels = get_distortion(name).levels
    return [correct(name, v) for v in (2 if name == "saturation" else levels[0], levels[-1])]


@pytest.mark.slow
@pytest.mark.parametrize("name", distortion_names())
def test_no_distortion_helps_and_the_severest_level_costs_most(name):
    try:
        get_distortion(name).needs()
    except FileNotFoundError as missing:
        pytest.skip(str(missing))
    mild, severe = at_its_ends(name)
    assert severe <= mild <= correct() + 2


@pytest.mark.slow
def test_the_severest_level_costs_a_quarter_more_of_the_photographs_on_average():
    several = [name for name in distortion_names() if len(get_distortion(name).levels) > 1]
    steps = [mild - severe for mild, severe in map(at_its_ends, several)]
    assert len(steps) > 20 and np.mean(steps) > 47 / 4
