"""The paper's ImageNet networks take [0, 1] RGB and are probed where the paper probes them."""

import subprocess
import sys
from pathlib import Path

import pandas as pd
import pytest
import torch
from torch import nn
from torchvision import models

from shapebias_utils.datasets.image_files import load_images
from shapebias_utils.networks.checkpoints import load_into
from shapebias_utils.networks.normalised import normalised, unwrapped
from shapebias_utils.networks.zoo import NETWORKS
from shapebias_utils.paths import ROOT

DATA = ROOT.parent / "shared" / "data"
CAFFE = DATA / "networks" / "squeezenet1_1_caffe.pth"
with_real = pytest.mark.skipif(not CAFFE.exists(), reason=f"no real weights at {CAFFE}")

BY_NAME = {network.name: network for network in NETWORKS}

CHANNELS = {
    "AlexNet": [64, 192, 384, 256, 256],
    "GoogLeNet": [64, 64, 192, 256, 480, 512, 512, 512, 528, 832, 832, 1024],
    "ResNet": [64, 256, 512, 1024, 2048],
}
"""Of the probed layers, in their order (Krizhevsky 2014, Szegedy et al. 2015, He et al. 2016)."""

TOTALS = {"AlexNet": 1152, "GoogLeNet": 5808, "ResNet": 3904}
"""Units that the paper dissects."""


def images(n=2, size=64, seed=0):
    return torch.rand(n, 3, size, size, generator=torch.Generator().manual_seed(seed))


def built(network):
    """Random weights, but batch norms as after training, so that ReLUs see both signs."""
    torch.manual_seed(0)
    module = network.build().requires_grad_(False)
    for part in module.modules():
        if isinstance(part, nn.BatchNorm2d):
            part.momentum = 1.0
            nn.init.uniform_(part.bias, -0.5, 0.5)
    module(images(4))
    return module.eval()


def test_there_are_s_and_r_of_three_architectures():
    assert list(BY_NAME) == [
        "AlexNet",
        "AlexNet-R",
        "GoogLeNet",
        "GoogLeNet-R",
        "ResNet",
        "ResNet-R",
    ]
    for network in NETWORKS:
        assert (network.dataset, network.n_classes) == ("imagenet", 1000)
        assert network.training == ("robust" if network.name.endswith("-R") else "standard")
        assert network.checkpoint.startswith("imagenet/")
        robust = BY_NAME[network.architecture + "-R"]
        assert robust.layers == network.layers and robust.marker == network.marker
        assert robust.colour != BY_NAME[network.architecture].colour
    assert len({network.checkpoint for network in NETWORKS}) == 6


@pytest.mark.parametrize("name", ["AlexNet", "GoogLeNet", "ResNet"])
def test_the_hash_is_that_in_torchvisions_file_name(name):
    weights = {
        "AlexNet": models.AlexNet_Weights, "GoogLeNet": models.GoogLeNet_Weights,
        "ResNet": models.ResNet50_Weights,
    }[name].IMAGENET1K_V1  # fmt: skip
    file = Path(weights.url).name
    assert BY_NAME[name].checkpoint == f"imagenet/{file}"
    assert file.endswith(f"-{BY_NAME[name].sha256}.pth") and len(BY_NAME[name].sha256) == 8


@pytest.mark.parametrize("name", BY_NAME)
def test_probed_layers_are_the_papers_and_post_relu(name):
    network = BY_NAME[name]
    module, outputs = built(network), {}
    for layer, at in network.layers.items():
        module.get_submodule(at).register_forward_hook(
            lambda m, i, output, layer=layer: outputs.__setitem__(layer, output.clone())
        )
    logits = module(images())
    assert logits.shape == (2, 1000) and logits.isfinite().all()
    assert list(outputs) == list(network.layers), "in the order of the forward pass"
    channels = [output.shape[1] for output in outputs.values()]
    assert channels == CHANNELS[network.architecture]
    assert sum(channels) == TOTALS[network.architecture]
    for layer, output in outputs.items():
        assert output.ndim == 4 and output.shape[0] == 2, layer
        assert output.min() == 0 < output.max(), f"{layer} is not post-ReLU"
        assert 0.02 < (output == 0).float().mean() < 0.98, f"{layer} is dead or never off"


@pytest.mark.parametrize(
    ("name", "reference"),
    [
        ("AlexNet", models.alexnet),
        ("ResNet-R", models.resnet50),
        ("GoogLeNet-R", lambda: models.googlenet(aux_logits=False, init_weights=False)),
    ],
)
def test_networks_are_torchvisions_behind_imagenets_normalisation(name, reference):
    from torchvision.transforms.functional import normalize

    module, theirs = built(BY_NAME[name]), reference().eval()
    theirs.load_state_dict(unwrapped(module).state_dict())
    x = images()
    wanted = theirs(normalize(x, [0.485, 0.456, 0.406], [0.229, 0.224, 0.225]))
    assert torch.allclose(module(x), wanted, atol=1e-5) and wanted.std() > 1e-3


class Seen(nn.Module):
    def forward(self, x):
        return x


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        ({}, [(0.2 - 0.485) / 0.229, (0.4 - 0.456) / 0.224, (0.6 - 0.406) / 0.225]),
        ({"mean": (0, 0, 0), "std": (1, 1, 1)}, [0.2, 0.4, 0.6]),
        ({"mean": (0.5,) * 3, "std": (0.5,) * 3}, [-0.6, -0.2, 0.2]),
        ({"mean": (1, 2, 3), "std": (1, 1, 2), "scale": 255}, [50.0, 100.0, 75.0]),
        ({"mean": (104, 117, 123), "std": (1, 1, 1), "scale": 255, "bgr": True}, [49.0, -15, -72]),
    ],
)
def test_what_a_wrapped_network_sees(options, expected):
    x = torch.tensor([0.2, 0.4, 0.6]).view(1, 3, 1, 1).expand(2, 3, 5, 4)
    seen = normalised(Seen(), **options)(x)
    assert seen.shape == x.shape
    assert torch.allclose(seen[0, :, 2, 2], torch.tensor(expected), atol=1e-4)


def test_a_size_resizes_what_comes_in_another():
    seen = normalised(Seen(), (0, 0, 0), (1, 1, 1), size=32)
    assert torch.equal(seen(images(size=32)), images(size=32))
    small = seen(images(size=50))
    assert small.shape[-2:] == (32, 32) and 0 <= small.min() and small.max() <= 1


@pytest.mark.parametrize("std", [(1, 1), (1, 0, 1), (1, -1, 1)])
def test_three_positive_deviations_are_asked_for(std):
    with pytest.raises(ValueError, match="give three of each"):
        normalised(Seen(), std=std)


def test_gradients_and_devices_pass_through_the_wrapper():
    network = normalised(nn.Sequential(nn.Flatten(), nn.LazyLinear(2)), scale=255, bgr=True)
    x = images(size=4).requires_grad_(True)
    network(x)[:, 0].sum().backward()
    assert x.grad.abs().min() > 0
    assert {v.device.type for v in network.to("meta").state_dict().values()} == {"meta"}


def test_records_do_not_import_torch():
    code = "import sys, shapebias_utils.networks.zoo; sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], cwd=ROOT, check=False).returncode == 0


@with_real
def test_squeezenet_from_caffe_recognises_real_photographs():
    """Its source set's 1,000 photographs it gets right in 62.0 %, these 47 in more."""
    labels = pd.read_csv(DATA / "imagenet_samples" / "labels.csv")
    x = load_images([DATA / "imagenet_samples" / f for f in labels["filename"]], 256, 224)
    y = torch.tensor(labels["imagenet_index"].to_numpy())

    def right(**options):
        network = normalised(models.squeezenet1_1(), **options)
        load_into(network, CAFFE)
        with torch.no_grad():
            ranked = network.eval()(x).topk(5).indices
        hits = (ranked == y[:, None]).float()
        return hits[:, 0].mean().item(), hits.sum(1).mean().item()

    caffe = {"mean": (104, 117, 123), "std": (1, 1, 1), "scale": 255}
    top1, top5 = right(**caffe, bgr=True)
    assert top1 > 0.7 and top5 > 0.9
    assert right(**caffe)[0] < top1 - 0.05, "the order of channels makes no difference"
