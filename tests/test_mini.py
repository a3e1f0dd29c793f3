"""The pictogram-sized networks: small, probed as in the paper, the same in any batch."""

import pytest
import torch
from helpers.untrained import build, images

from shapebias_utils.networks import mini
from shapebias_utils.networks.pictograms import LAYERS, NETWORKS

ARCHITECTURES = pytest.mark.parametrize(
    "architecture", [mini.AlexNet, mini.GoogLeNet, mini.ResNet], ids=lambda a: a.__name__
)

PAPER_LAYERS = {
    "AlexNet": ["conv1", "conv2", "conv3", "conv4", "conv5"],
    "GoogLeNet": [
        "conv1", "conv2", "conv3", "inception3a", "inception3b", "inception4a", "inception4b",
        "inception4c", "inception4d", "inception4e", "inception5a", "inception5b",
    ],
    "ResNet": ["conv1", "layer1", "layer2", "layer3", "layer4"],
}  # fmt: skip
"""Architecture -> probed layers, from the paper's Appendix A with torchvision's names."""


@ARCHITECTURES
def test_at_most_700_000_parameters(architecture):
    assert 100_000 < sum(p.numel() for p in architecture().parameters()) <= 700_000


@ARCHITECTURES
def test_the_probed_layers_are_the_papers_and_are_post_relu(architecture):
    network, outputs = build(architecture), {}
    names = list(LAYERS[architecture])
    assert names == PAPER_LAYERS[architecture.__name__]
    for name in names:
        network.get_submodule(name).register_forward_hook(
            lambda module, inputs, output, name=name: outputs.__setitem__(name, output)
        )
    network(images())
    assert list(outputs) == names, "in the order of the forward pass"
    for name, output in outputs.items():
        assert output.ndim == 4 and output.shape[0] == 3, name
        assert output.min() == 0 < output.max(), f"{name} is not post-ReLU"
        assert 0.02 < (output == 0).float().mean() < 0.98, f"{name} is dead or never off"
        assert output.shape[-1] >= 8, f"{name} is coarser than 8x8: its texture is lost"


@ARCHITECTURES
def test_an_image_gets_the_same_logits_in_any_batch(architecture):
    network, x = build(architecture), images(5)
    together = network(x)
    for i in range(5):
        assert torch.allclose(network(x[i : i + 1])[0], together[i], atol=1e-5)
    assert torch.allclose(network(x.flip(0)).flip(0), together, atol=1e-5)
    assert (together[0] - together[1]).abs().max() > 1e-3, "no case: all images look the same"


@ARCHITECTURES
@pytest.mark.parametrize("size", [(32, 32), (33, 47), (40, 64), (64, 64), (65, 65), (97, 128)])
def test_any_size_from_32_gives_16_logits(architecture, size):
    logits = build(architecture)(images(2, *size))
    assert logits.shape == (2, 16) and logits.dtype == torch.float32
    assert logits.isfinite().all()


@ARCHITECTURES
def test_channels_last_gives_the_same_logits(architecture):
    network, x = build(architecture), images()
    plain = network(x)
    network = network.to(memory_format=torch.channels_last)
    last = network(x.to(memory_format=torch.channels_last))
    assert torch.allclose(plain, last, atol=1e-5)


@ARCHITECTURES
def test_every_parameter_is_trained(architecture):
    network = architecture()
    network(images()).logsumexp(1).sum().backward()
    assert all(p.grad is not None and p.grad.abs().max() > 0 for p in network.parameters())


def test_the_number_of_classes_can_be_chosen():
    assert all(a(n_classes=7)(images(2)).shape == (2, 7) for a in LAYERS)


def test_normalisation_is_inside():
    """Grey is the middle of the range, so what the first convolution sees of it is zero."""
    for architecture in LAYERS:
        network, seen = build(architecture), []
        network.conv1.register_forward_pre_hook(
            lambda module, inputs, seen=seen: seen.append(inputs[0])
        )
        network(torch.full((1, 3, 32, 32), 0.5))
        network(torch.ones(1, 3, 32, 32))
        assert seen[0].abs().max() == 0 and seen[1].min() == seen[1].max() > 1


@pytest.mark.parametrize("network", NETWORKS, ids=lambda n: n.name)
def test_the_records_name_layers_that_exist(network):
    module = network.build()
    assert list(network.layers) == list(LAYERS[type(module)])
    assert all(module.get_submodule(where) for where in network.layers.values())
    assert network.architecture == type(module).__name__
    assert (
        network.name
        == network.architecture
        + {"standard": "", "robust": "-R", "control": "-control"}[network.training]
    )
