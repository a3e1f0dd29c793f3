"""A suffix, with channels zeroed one by one, gives the logits of full forward passes."""

import pytest
import torch
import torch.nn.functional as F
from helpers.untrained import build
from torch import nn

from shapebias_utils.hooks import ablate, record
from shapebias_utils.measures.ablation.split import UnsplittableError, split_at
from shapebias_utils.measures.ablation.suffix import Zeroed
from shapebias_utils.networks import mini, zoo
from shapebias_utils.networks.normalised import normalised
from shapebias_utils.networks.pictograms import LAYERS

IMAGES = torch.rand(3, 3, 64, 64, generator=torch.Generator().manual_seed(2))


def both(network: nn.Module, path: str, channels: list[int], image=IMAGES[:1]):
    """(logits by the suffix, logits by full forward passes) without each of the channels."""
    with torch.no_grad():
        with record(network, {"layer": path}) as seen:
            network(image)
        suffix = split_at(network, path)
        values = suffix.values(seen["layer"])
        found = suffix.without(values, torch.tensor(channels))
        expected = []
        for channel in channels:
            with ablate(network, path, channel):
                expected.append(network(image))
    return found, torch.cat(expected)


def assert_same(found, expected):
    """By rounding alone: a tenth of what `ablation.ROUNDING` allows."""
    assert found.shape == expected.shape
    error = (found - expected).abs().amax(1) / expected.abs().amax(1)
    assert error.max() < 1e-5
    assert len(expected) == 1 or (expected[0] - expected[1]).abs().max() > 0, "channels matter"


@pytest.mark.parametrize(
    "architecture, layer", [(a, layer) for a, layers in LAYERS.items() for layer in layers]
)
def test_pictogram_networks(architecture, layer):
    assert_same(*both(build(architecture), layer, [0, 1, 7, 23]))


@pytest.mark.slow
@pytest.mark.parametrize(
    "make, layer",
    [
        *(("alexnet", layer) for layer in zoo.LAYERS["AlexNet"]),
        *(("googlenet", layer) for layer in ("conv1", "conv3", "inception3b", "inception5b")),
        *(("resnet50", layer) for layer in ("conv1", "layer1", "layer3", "layer4")),
    ],
)
def test_networks_of_torchvision(make, layer):
    torch.manual_seed(0)
    network = getattr(zoo, make)().eval().requires_grad_(False)
    for module in network.modules():
        if isinstance(module, nn.Conv2d | nn.Linear):  # else GoogLeNet says the same of any image
            nn.init.kaiming_normal_(module.weight, nonlinearity="relu")
    layers = zoo.LAYERS[
        {"alexnet": "AlexNet", "googlenet": "GoogLeNet", "resnet50": "ResNet"}[make]
    ]
    image = torch.rand(1, 3, 224, 224, generator=torch.Generator().manual_seed(3))
    assert_same(*both(network, layers[layer], [0, 5, *range(30, 64)], image))


class Functional(nn.Module):
    """All in functions and methods, and in place, where others have modules."""

    def __init__(self, wide: bool) -> None:
        super().__init__()
        self.first, self.relu = nn.Conv2d(3, 6, 3, padding=1), nn.ReLU(inplace=True)
        self.second = nn.Conv2d(6, 6, 3, stride=2, padding=2, dilation=2)
        self.pair = nn.Conv2d(6, 6, 3, groups=2, padding="same", padding_mode="reflect")
        self.fc1, self.fc2 = nn.Linear(6 * 16, 40), nn.Linear(40, 16)
        self.scale, self.wide = nn.Parameter(torch.rand(6, 1, 1)), wide

    def forward(self, x):
        x = self.relu(self.first(x))
        y = F.max_pool2d(F.relu(x), 2).relu() if self.wide else x
        y = self.second(y)
        y += F.relu(self.pair(y), inplace=True) * self.scale
        y = F.adaptive_avg_pool2d(F.relu(y), 4)
        y = y.view(y.size(0), -1) if self.wide else torch.flatten(y, 1)
        return self.fc2(F.dropout(F.relu(self.fc1(y)), 0.5, self.training))


@pytest.mark.parametrize("wide", [True, False])
def test_functions_and_operations_in_place(wide):
    torch.manual_seed(1)
    network = Functional(wide).eval().requires_grad_(False)
    expected = network(IMAGES)
    assert_same(*both(network, "relu", [0, 3, 5]))
    assert torch.equal(network(IMAGES), expected)
    assert network.relu.inplace, "the network itself stays as it is"


def test_a_linear_layer_behind_it_takes_off_the_features_of_a_channel():
    torch.manual_seed(1)
    network = nn.Sequential(nn.Conv2d(3, 8, 5), nn.ReLU(), nn.AdaptiveAvgPool2d(3), nn.Flatten(),
                            nn.Linear(72, 50), nn.ReLU(), nn.Linear(50, 16)).eval()  # fmt: skip
    assert_same(*both(network, "1", list(range(8)) * 6))
    assert_same(*both(network, "4", [0, 49]))
    with torch.no_grad():
        logits = network(IMAGES[:1])
    suffix = split_at(network, "6")
    found = suffix.without(suffix.values(logits), torch.tensor([3, 5]))
    assert found[0, 3] == 0 == found[1, 5] and torch.equal(found[0, 4:], logits[0, 4:])


def test_a_wrapped_network_is_split_though_its_preparation_cannot_be_traced():
    torch.manual_seed(1)
    inner = nn.Sequential(nn.Conv2d(3, 4, 3), nn.ReLU(), nn.AdaptiveAvgPool2d(1), nn.Flatten(),
                          nn.Linear(4, 16))  # fmt: skip
    assert_same(*both(normalised(inner, size=32).eval(), "network.1", [0, 3]))


def test_batch_norms_behind_the_layer_are_folded_away_and_the_network_keeps_its_own():
    network = build(mini.ResNet)
    weights = {k: v.clone() for k, v in network.state_dict().items()}
    kinds = [type(m) for m in network.modules()]
    suffix = split_at(network, "conv1")
    used = [type(suffix.modules.get(str(n.target))) for n in suffix.nodes]
    assert nn.Conv2d in used and nn.BatchNorm2d not in used
    assert [type(m) for m in network.modules()] == kinds
    assert all(torch.equal(v, weights[k]) for k, v in network.state_dict().items())


@pytest.mark.parametrize(
    "how", [{"groups": 2}, {"padding": "same"}, {"padding": 1, "padding_mode": "reflect"}], ids=str
)
def test_convolutions_that_take_no_shares_apart_run_on_the_copies(how):
    torch.manual_seed(1)
    network = nn.Sequential(
        nn.Conv2d(3, 8, 5, stride=4), nn.ReLU(),
        nn.Conv2d(8, 8, 3, **how), nn.ReLU(),
        nn.AdaptiveAvgPool2d(2), nn.Flatten(), nn.Linear(32, 16),
    )  # fmt: skip
    assert_same(*both(network.eval(), "1", list(range(8))))


class Shared(nn.Module):
    """What the second convolution puts out is used with and without its batch norm."""

    def __init__(self) -> None:
        super().__init__()
        self.first, self.relu = nn.Conv2d(3, 8, 5, stride=4), nn.ReLU()
        self.second, self.norm, self.head = nn.Conv2d(8, 8, 3), nn.BatchNorm2d(8), nn.Linear(8, 16)
        nn.init.uniform_(self.norm.running_mean)
        nn.init.uniform_(self.norm.running_var, 0.5, 2)

    def forward(self, x):
        x = self.second(self.relu(self.first(x)))
        return self.head((self.norm(x) + x.relu()).mean((2, 3)))


def test_a_batch_norm_is_not_folded_into_a_convolution_that_others_use():
    torch.manual_seed(1)
    assert_same(*both(Shared().eval(), "relu", list(range(8))))


def test_zeroed_copies():
    value = torch.arange(1.0, 13).view(1, 6, 1, 2)
    copies = Zeroed(value, torch.tensor([2, 0]), groups=3).dense()
    assert copies.flatten(1).tolist() == [
        [1, 2, 3, 4, 5, 6, 7, 8, 0, 0, 0, 0],
        [0, 0, 0, 0, 5, 6, 7, 8, 9, 10, 11, 12],
    ]
    assert value.min() == 1


class Other(nn.Module):
    def __init__(self, how: str) -> None:
        super().__init__()
        self.conv, self.relu, self.how = nn.Conv2d(3, 16, 3), nn.ReLU(), how

    def forward(self, images):
        x = self.relu(self.conv(images))
        if self.how == "looks at values" and x.max() > 3:
            return x.mean((2, 3))
        if self.how == "twice":
            x = self.relu(x - 0.1)
        if self.how == "another way":
            x = x + images.mean()
        if self.how == "in place":
            x = x.mul_(2)
        return {"a": x} if self.how == "a dict" else x.mean((2, 3))


@pytest.mark.parametrize(
    "how, said",
    [
        ("looks at values", "torch.fx cannot trace it"),
        ("twice", "relu is called 2 times"),
        ("another way", "depend on the images in other ways"),
        ("in place", "mul_, which works in place"),
        ("a dict", "something else than one tensor"),
    ],
)
def test_what_cannot_be_split(how, said):
    with pytest.raises(UnsplittableError, match=said):
        split_at(Other(how).eval(), "relu")


def test_a_layer_that_is_not_there():
    with pytest.raises(ValueError, match="no module 'conv9'"):
        split_at(Other("").eval(), "conv9")
