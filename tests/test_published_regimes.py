"""Checkpoints of SIN, SIN+IN and AdvProp as they are published for ImageNet load by name."""

import numpy as np
import pytest
import torch
from torchvision import models

from shapebias_utils.networks import get_network
from shapebias_utils.networks.branches import two_branches
from shapebias_utils.networks.checkpoints import load_into
from shapebias_utils.networks.normalised import unwrapped

BRANCHED = ("ResNet-AdvProp1", "ResNet-AdvProp5")
STYLIZED = ("ResNet-SIN", "ResNet-SIN-and-IN", "ResNet-SIN+IN-joint")


@pytest.fixture(scope="module")
def trained():
    """ResNet-50 as if it were trained: batch norms that are not as they begin."""
    torch.manual_seed(0)
    network = models.resnet50()
    for module in network.modules():
        if isinstance(module, torch.nn.BatchNorm2d):
            torch.nn.init.uniform_(module.running_mean, -0.1, 0.1)
    return network


def published(network: torch.nn.Module, **more) -> dict:
    """A file of ImageNet training under DataParallel, with what such files carry besides."""
    state = {f"module.{key}": value for key, value in network.state_dict().items()}
    return {"epoch": 60, "arch": "resnet50", "state_dict": state, "best_prec1": 60.2} | more


@pytest.mark.parametrize("name", STYLIZED)
def test_checkpoints_of_geirhos_load(tmp_path, trained, name):
    network = get_network(name, "imagenet")
    assert network.checkpoint.endswith(".pth.tar") and "texture-vs-shape" in network.origin
    path = tmp_path / network.path().name
    optimiser = torch.optim.SGD(trained.parameters(), 0.1).state_dict()
    torch.save(published(trained, optimizer=optimiser), path)
    module = network.build()
    load_into(module, path)
    own = unwrapped(module).state_dict()
    assert all(torch.equal(own[key], value) for key, value in trained.state_dict().items())


@pytest.mark.parametrize("name", BRANCHED)
def test_checkpoints_of_advprop_load_as_their_main_branch(tmp_path, trained, name):
    """MixBatchNorm2d: the batch norm's own weights are the main branch's, aux_bn the other's."""
    network = get_network(name, "imagenet")
    torch.manual_seed(0)
    both = models.resnet50()
    both.load_state_dict(trained.state_dict())
    two_branches(both)
    for module in both.modules():
        if hasattr(module, "aux_bn"):
            torch.nn.init.constant_(module.aux_bn.running_mean, 7.0)
    path = tmp_path / "model_best.pth.tar"
    torch.save(published(both, best_acc=np.float64(77.4)), path)
    module = network.build()
    load_into(module, path)
    own = unwrapped(module).state_dict()
    assert not any("aux_bn" in key for key in own)
    assert all(torch.equal(own[key], value) for key, value in trained.state_dict().items())
    grey = torch.full((1, 3, 4, 4), 0.5)
    assert module.prepare(grey).abs().max() == 0, "fed in [-1, 1], as that code does"


def test_an_auxiliary_branch_alone_is_no_network(tmp_path, trained):
    state = {k: v for k, v in two_branches(models.resnet50()).state_dict().items() if "aux_bn" in k}
    torch.save({"state_dict": state}, tmp_path / "aux.pth.tar")
    with pytest.raises(ValueError, match="lacks 'conv1.weight'"):
        load_into(get_network("ResNet-AdvProp1", "imagenet").build(), tmp_path / "aux.pth.tar")


@pytest.mark.parametrize("name", STYLIZED + BRANCHED + ("ResNet-SIN+IN",))
def test_the_records_are_resnet_50_over_rgb(name):
    network = get_network(name, "imagenet")
    assert network.architecture == "ResNet" and network.further and network.n_classes == 1000
    assert list(network.layers) == ["conv1", "layer1", "layer2", "layer3", "layer4"]
