"""Recording and ablating leave the network as it was."""

import pytest
import torch
from torch import nn

from shapebias_utils.hooks import ablate, find_module, record
from shapebias_utils.networks import get_network, network_names, zoo
from shapebias_utils.networks.mini import AlexNet

IMAGES = torch.rand(2, 3, 64, 64, generator=torch.Generator().manual_seed(0))


def hooks_of(network: nn.Module) -> int:
    return sum(len(m._forward_hooks) for m in network.modules())


@pytest.fixture(scope="module")
def network():
    torch.manual_seed(0)
    return AlexNet().eval().requires_grad_(False)


@pytest.mark.parametrize("name", network_names("pictograms"))
def test_probed_layers_of_pictogram_networks_are_post_relu(name):
    record_ = get_network(name, "pictograms")
    module = record_.build().eval()
    with record(module, record_.layers) as seen, torch.no_grad():
        module(IMAGES)
    assert list(seen) == list(record_.layers)
    assert all(a.ndim == 4 and a.min() >= 0 and a.max() > 0 for a in seen.values())


UNITS = {
    "alexnet": ("AlexNet", 1152),
    "googlenet": ("GoogLeNet", 5808),
    "resnet50": ("ResNet", 3904),
}


@pytest.mark.parametrize("build", UNITS)
def test_probed_layers_of_imagenet_networks_have_the_papers_number_of_channels(build):
    architecture, units = UNITS[build]
    module = getattr(zoo, build)().eval()
    images = torch.rand(1, 3, 224, 224)
    with record(module, zoo.LAYERS[architecture]) as seen, torch.no_grad():
        module(images)
    assert sum(a.shape[1] for a in seen.values()) == units
    assert all(a.min() >= 0 for a in seen.values())


def test_what_is_recorded_is_what_the_module_returns(network):
    expected = network.conv2(network.pool1(network.conv1(network.normalise(IMAGES))))
    with record(network, {"second": "conv2"}) as seen:
        network(IMAGES)
    assert torch.equal(seen["second"], expected)


@pytest.mark.parametrize("channels", [3, [3], [0, 5, 23], [], torch.arange(24)])
def test_ablated_channels_are_zero_and_the_others_as_before(network, channels):
    wanted = torch.as_tensor(channels).reshape(-1).long()
    with record(network, {"x": "conv1"}) as seen:
        network(IMAGES)
    before = seen["x"].clone()
    with ablate(network, "conv1", channels), record(network, {"x": "conv1"}) as seen:
        network(IMAGES)
    kept = torch.ones(24, dtype=torch.bool)
    kept[wanted] = False
    assert torch.equal(seen["x"][:, kept], before[:, kept])
    assert not seen["x"][:, ~kept].any()


def test_hooks_are_gone_and_weights_untouched_also_after_an_error(network):
    weights = {k: v.clone() for k, v in network.state_dict().items()}
    expected = network(IMAGES)
    with pytest.raises(ZeroDivisionError):
        with record(network, {"a": "conv1", "b": "conv5"}), ablate(network, "conv3", 1):
            network(IMAGES)
            raise ZeroDivisionError
    assert hooks_of(network) == 0
    assert torch.equal(network(IMAGES), expected)
    assert all(torch.equal(v, weights[k]) for k, v in network.state_dict().items())


def test_hooks_of_the_first_layers_are_gone_where_a_later_one_does_not_exist(network):
    with pytest.raises(ValueError, match="no module 'conv9'; there are normalise, conv1"):
        with record(network, {"a": "conv1", "b": "conv9"}):
            pass
    assert hooks_of(network) == 0


def test_a_channel_that_is_not_there_is_named(network):
    with (
        ablate(network, "conv1", [2, 24]),
        pytest.raises(ValueError, match=r"0 to 23, not \[2, 24"),
    ):
        network(IMAGES)


def test_find_module_lists_what_there_is(network):
    assert find_module(network, "conv1.0") is network.conv1[0]
    with pytest.raises(ValueError, match="no module 'conv1.7'"):
        find_module(network, "conv1.7")
