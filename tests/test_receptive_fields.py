"""What a unit sees: by hand, by poisoned pixels, and for networks of random layout."""

from functools import cache

import numpy as np
import pandas as pd
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn

from shapebias_utils.measures.receptive_fields import receptive_fields, with_crops
from shapebias_utils.networks import Network, get_network
from shapebias_utils.networks.normalised import normalised


def record(module, **layers):
    return Network("mine", lambda: module, layers=layers or {"out": "0"})


def poisoned(module, layer, size):
    """First and last pixel + 1 on which each row and column of the map depends, by experiment.

    Not-a-number spreads to all that depends on it; in float64 no fast algorithm spreads it further.
    """
    module = module.double().eval()
    maps = {}
    handle = module.get_submodule(layer).register_forward_hook(lambda m, i, o: maps.update(o=o))
    found = []
    for axis in (2, 3):
        images = torch.rand(size[axis - 2], 3, *size, dtype=torch.float64)
        for pixel, image in enumerate(images):
            image.select(axis - 1, pixel).fill_(torch.nan)
        with torch.no_grad():
            module(images)
        seen = maps["o"].isnan().any(1).any(4 - axis).numpy()  # pixel, row or column of the map
        last = len(seen) - seen[::-1].argmax(0)
        found.append(np.stack([seen.argmax(0), last], 1))
    handle.remove()
    return found


# Receptive field and stride of each layer, as is known of the architectures.
BY_HAND = {
    "AlexNet": {"conv1": (11, 4), "conv2": (51, 8), "conv3": (99, 16), "conv4": (131, 16),
                "conv5": (163, 16)},
    "ResNet": {"conv1": (7, 2), "layer1": (35, 4), "layer2": (91, 8)},
    "GoogLeNet": {"conv1": (7, 2), "conv2": (11, 4), "conv3": (19, 4), "inception3a": (43, 8),
                  "inception3b": (59, 8), "inception4a": (107, 16), "inception4b": (139, 16),
                  "inception4c": (171, 16)},
}  # fmt: skip


@cache
def of_the_paper(name):
    return receptive_fields(get_network(name, "imagenet"), 224)


@pytest.mark.parametrize("name", BY_HAND)
def test_the_papers_networks(name):
    fields = of_the_paper(name)
    assert list(fields) == list(get_network(name, "imagenet").layers)
    for layer, (size, stride) in BY_HAND[name].items():
        for span in fields[layer]:
            middle = span[len(span) // 2 - 1 : len(span) // 2 + 1]
            assert np.diff(middle, axis=1).tolist() == [[size], [size]], layer
            assert np.diff(middle[:, 0]) == [stride], layer


def test_alexnet_unit_by_unit():
    """conv1: 11 wide, stride 4, padded by 2, on 224 pixels."""
    rows, columns = of_the_paper("AlexNet")["conv1"]
    assert rows[[0, 1, 2, 54]].tolist() == [[0, 9], [2, 13], [6, 17], [214, 224]]
    assert (rows == columns).all()


@pytest.mark.parametrize("name", ["AlexNet", "GoogLeNet", "ResNet"])
def test_pictogram_networks_against_poisoned_pixels(name):
    network = get_network(name, "pictograms")
    fields = receptive_fields(network, 32)
    middle = list(network.layers)[len(network.layers) // 3]
    for layer in {"conv1", middle, list(network.layers)[-1]}:
        oracle = poisoned(network.build(), network.layers[layer], (32, 32))
        for span, seen in zip(fields[layer], oracle, strict=True):
            assert (span == seen).all(), layer


class Branches(nn.Module):
    """Two branches, added or concatenated."""

    def __init__(self, one, other, add):
        super().__init__()
        self.one, self.other, self.add = one, other, add

    def forward(self, x):
        branches = self.one(x), self.other(x)
        return sum(branches) if self.add else torch.cat(branches, 1)


class Squeeze(nn.Module):
    """Channels scaled by a mean over the whole map."""

    def forward(self, x):
        return x * torch.sigmoid(nn.functional.adaptive_avg_pool2d(x, 1))


ODD = st.sampled_from([1, 3, 5])
CONV = st.builds(
    lambda k, s, p, d: nn.Conv2d(3, 3, k, s, [min(p, i // 2) for i in k], d),
    st.tuples(ODD, ODD), st.tuples(*[st.integers(1, 2)] * 2), st.integers(0, 3), st.integers(1, 2),
)  # fmt: skip
POOL = st.builds(
    lambda kind, k, s, p, ceil: kind(k, s, min(p, k // 2), ceil_mode=ceil),
    st.sampled_from([nn.MaxPool2d, nn.AvgPool2d]), st.integers(2, 3), st.integers(1, 3),
    st.integers(0, 1), st.booleans(),
)  # fmt: skip
OTHER = st.sampled_from(
    [nn.ReLU(), nn.BatchNorm2d(3), nn.Identity(), nn.ReLU6(inplace=True), nn.Dropout()]
)
SHORTCUT = st.builds(
    lambda k, add: nn.Sequential(
        Branches(nn.Conv2d(3, 3, k, padding=k // 2), nn.Identity(), add),
        nn.Identity() if add else nn.Conv2d(6, 3, 1),
    ),
    ODD, st.booleans(),
)  # fmt: skip


@settings(max_examples=40)
@given(layers=st.lists(st.one_of(CONV, POOL, OTHER, SHORTCUT), min_size=1, max_size=4))
def test_networks_of_random_layout_against_poisoned_pixels(layers):
    module, size = nn.Sequential(nn.Sequential(*layers)), (26, 21)
    with torch.no_grad():
        try:
            module.eval()(torch.rand(1, 3, *size))
        except RuntimeError:  # nothing is left of so small an image
            return
    fields = receptive_fields(record(module), size)["out"]
    for span, seen in zip(fields, poisoned(module, "0", size), strict=True):
        assert (span == seen).all()


@pytest.mark.parametrize(
    "module",
    [
        nn.Sequential(nn.AdaptiveAvgPool2d((5, 3))),
        nn.Sequential(nn.Sequential(nn.Conv2d(3, 3, 3), Squeeze())),
        nn.Sequential(nn.Conv2d(3, 3, 3, dilation=4, padding=3)),
        nn.Sequential(nn.Conv2d(3, 3, 3, dilation=2, padding=1), nn.MaxPool2d(2, 1)),
    ],
    ids=["adaptive", "squeeze and excite", "dilated", "dilated and pooled"],
)
def test_other_layouts_against_poisoned_pixels(module):
    fields = receptive_fields(record(module), (23, 17))["out"]
    for span, seen in zip(fields, poisoned(module, "0", (23, 17)), strict=True):
        assert (span == seen).all()


@pytest.mark.parametrize("size", [(40, 30), (13, 11)])
def test_a_network_that_resizes_its_images_and_turns_their_channels(size):
    network = normalised(nn.Sequential(nn.Conv2d(3, 2, 3, stride=2)), bgr=True, size=24)
    fields = receptive_fields(record(network, out="network.0"), size)["out"]
    image = torch.rand(1, 3, *size, requires_grad=True)
    for axis in (0, 1):
        for unit in range(11):  # what the gradient reaches; a weight of 0 at a tent's foot is none
            at = [5, 5]
            at[axis] = unit
            (slope,) = torch.autograd.grad(network(image)[0, :, at[0], at[1]].abs().sum(), image)
            size_of = slope.abs().sum((0, 1, 3 - axis))
            reached = (size_of > 1e-5 * size_of.max()).nonzero()[:, 0]
            first, last = fields[axis][unit]
            assert first <= reached.min() <= first + 1 and last - 1 <= reached.max() + 1 <= last


def test_what_cannot_be_told_is_not_guessed():
    class Shuffled(nn.Module):
        def forward(self, x):
            return torch.roll(x, 3, 2)

    with pytest.raises(ValueError, match="what out of mine sees: it lies behind .*'roll'"):
        receptive_fields(record(nn.Sequential(nn.Sequential(Shuffled(), nn.ReLU()))), 16)
    with pytest.raises(ValueError, match="behind the operation 'convolution'"):
        receptive_fields(record(nn.Sequential(nn.ConvTranspose2d(3, 3, 2, 2))), 16)


def test_what_lies_behind_the_probed_layer_does_not_matter():
    module = nn.Sequential(nn.Conv2d(3, 4, 3), nn.Flatten(), nn.LazyLinear(2))
    module(torch.rand(1, 3, 8, 8))
    rows, columns = receptive_fields(record(module), 8)["out"]
    assert rows.tolist() == columns.tolist() == [[i, i + 3] for i in range(6)]


def test_crops_are_the_boxes_of_each_unit():
    module = nn.Sequential(nn.Conv2d(3, 4, 3, padding=1), nn.MaxPool2d(2))
    network = record(module, a="0", b="1")
    table = pd.DataFrame(
        {"layer": ["b", "a", "a"], "row": [0, 0, 5], "column": [2, 7, 3]}, index=[7, 7, 1]
    )
    found = with_crops(table, network, (8, 10))
    assert found[["top", "left", "bottom", "right"]].to_numpy().tolist() == [
        [0, 3, 3, 7], [0, 6, 2, 9], [4, 2, 7, 5],
    ]  # fmt: skip
    assert with_crops(table.iloc[:0], network, 8).columns[-1] == "right"
