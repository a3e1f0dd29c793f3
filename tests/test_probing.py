"""Layers of any network: which are probed, and tokens that pass as maps of channels."""

import pytest
import torch
from helpers.published import SIDE, SMALL, randomised, vit
from torch import nn
from torchvision import models

from shapebias_utils.hooks import ablate, record
from shapebias_utils.networks.adapters.probing import layers_of, shown_as_maps

STAGES = {
    "ResNet": (
        lambda: models.ResNet(models.resnet.BasicBlock, [1, 1, 1, 1]), 64,
        [("relu", 32), ("layer1", 16), ("layer2", 8), ("layer3", 4), ("layer4", 2)],
    ),
    "AlexNet": (
        models.alexnet, 127, [("features.1", 31), ("features.4", 15), ("features.11", 7)],
    ),
    "ConvNeXt": (
        SMALL["ConvNeXt"], SIDE, [("features.1", 8), ("features.3", 4), ("features.5", 2)],
    ),
    "Swin": (SMALL["Swin"], SIDE, [("features.1", 8), ("features.3", 4), ("features.5", 2)]),
    "ViT": (vit, SIDE, [("encoder_layer_0", 4), ("encoder_layer_1", 4)]),
}  # fmt: skip
"""Network, side of its images -> names and sides of the grids of its layers; the last block of a
ViT is left out, since only its class token is read."""


@pytest.mark.parametrize("build, side, wanted", STAGES.values(), ids=STAGES)
def test_the_last_of_each_grid_is_probed_or_the_blocks_of_a_vit(build, side, wanted):
    torch.manual_seed(0)
    assert [(layer.name, layer.side) for layer in layers_of(build(), side)] == wanted


def test_layers_may_be_chosen():
    paths = ["layer3", "layer1.0"]
    network = models.ResNet(models.resnet.BasicBlock, [1, 1, 1, 1])
    assert [layer.name for layer in layers_of(network, 64, paths)] == ["layer1.0", "layer3"]
    with pytest.raises(ValueError, match="layer 'fc' puts out no grid"):
        layers_of(network, 64, ["fc"])


@pytest.mark.parametrize("name", SMALL)
def test_passing_as_maps_changes_no_output_and_no_name_of_a_weight(name):
    network = randomised(SMALL[name]())
    x = torch.rand(2, 3, SIDE, SIDE, generator=torch.Generator().manual_seed(0))
    with torch.no_grad():
        wanted, keys = network(x), list(network.state_dict())
        shown = shown_as_maps(network, layers_of(network, SIDE))
        assert torch.equal(shown(x), wanted) and wanted.std() > 0.01
    assert list(shown.state_dict()) == keys


def test_tokens_are_seen_as_maps_and_zeroed_in_all_tokens():
    """By hand: 16 places row by row behind the class token; a channel is zeroed in all 17."""
    network = randomised(vit())
    x = torch.rand(2, 3, SIDE, SIDE, generator=torch.Generator().manual_seed(0))
    block = network.encoder.layers[0]
    with torch.no_grad(), record(network, {"tokens": "encoder.layers.encoder_layer_0"}) as seen:
        network(x)
    tokens = seen["tokens"]

    class Zeroed(nn.Module):
        def forward(self, value):
            value = block(value).clone()
            value[:, :, 5] = 0
            return value

    network.encoder.layers[0] = Zeroed()
    with torch.no_grad():
        wanted = network(x)
    network.encoder.layers[0] = block
    (layer, _) = layers_of(network, SIDE)
    shown_as_maps(network, [layer])
    path = layer.where.removeprefix("network.")
    with torch.no_grad(), record(network, {"maps": path}) as seen:
        before = network(x)
    assert seen["maps"].shape == (2, 16, 4, 4)
    assert torch.equal(seen["maps"][1, 5, 2, 3], tokens[1, 1 + 4 * 2 + 3, 5])
    with torch.no_grad(), ablate(network, path, 5):
        found = network(x)
    assert torch.allclose(found, wanted, atol=1e-6) and not torch.allclose(before, wanted)
