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
from shapebias_utils.datasets.images_on_disk import photographs
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


@pytest.mark.slow
@pytest.mark.parametrize("name", distortion_names())
def test_no_distortion_helps_and_the_mildest_level_costs_least(name):
    distortion = get_distortion(name)
    try:
        distortion.needs()
    except FileNotFoundError as missing:
        pytest.skip(str(missing))
    levels = (
        (1, 2, 8, 1024)
        if name == "saturation"
        else distortion.levels[:: len(distortion.levels) - 1 or 1]
    )
    counts = [correct(name, level) for level in levels]
    assert max(counts) <= correct() + 2
    mildest = 1 if name == "saturation" else 0  # whose level 2 is the identity
    assert max(counts[mildest:]) == counts[mildest]


@pytest.mark.slow
def test_milder_is_easier_on_average_over_all_distortions():
    steps = []
    for name in distortion_names():
        levels = [v for v in get_distortion(name).levels if not (name == "saturation" and v < 2)]
        if len(levels) > 1:
            steps.append(correct(name, levels[0]) - correct(name, levels[-1]))
    assert len(steps) > 20 and min(steps) >= 0 and np.mean(steps) > 10
