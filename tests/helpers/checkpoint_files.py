"""Checkpoints as they are published: by torchvision, PyTorch of old, and `robustness`."""

import importlib
import sys
from functools import cache
from types import ModuleType, SimpleNamespace

import numpy as np
import torch
from torch import nn
from torchvision import models

from shapebias_utils.networks.normalised import IMAGENET_MEAN, IMAGENET_STD

MEAN, STD = torch.tensor(IMAGENET_MEAN), torch.tensor(IMAGENET_STD)


def state_of(module):
    return {k: v.clone() for k, v in module.state_dict().items()}


def plain(module, path):
    torch.save(module.state_dict(), path)


def legacy(module, path):
    """As before PyTorch 1.6: no zip archive."""
    torch.save(module.state_dict(), path, _use_new_zipfile_serialization=False)


def data_parallel(module, path):
    torch.save(
        {"epoch": 3, "state_dict": {f"module.{k}": v for k, v in state_of(module).items()}}, path
    )


def before_counters(module, path):
    state = {k: v for k, v in state_of(module).items() if not k.endswith("num_batches_tracked")}
    torch.save(state, path)


@cache
def robustness(architecture):
    """A network class of the library, past the part of torchvision that it misses."""
    missing = ModuleType("torchvision.models.utils")
    missing.load_state_dict_from_url = torch.hub.load_state_dict_from_url
    sys.modules.setdefault("torchvision.models.utils", missing)
    return getattr(importlib.import_module("robustness.imagenet_models"), architecture)


class PapersGoogLeNet(models.GoogLeNet):
    """With auxiliary heads, and called as AttackerModel calls: as the paper trained it."""

    def forward(self, x, **options):
        return super().forward(x)


class SplitBranch(nn.Module):
    """An inception module whose fourth branch keeps its convolution under a name of its own."""

    def __init__(self, inception):
        super().__init__()
        self.branch1, self.branch2, self.branch3 = (
            inception.branch1,
            inception.branch2,
            inception.branch3,
        )
        self.branch4_pool, self.branch4_conv = inception.branch4[0], inception.branch4[1]

    def forward(self, x):
        fourth = self.branch4_conv(self.branch4_pool(x))
        return torch.cat([self.branch1(x), self.branch2(x), self.branch3(x), fourth], 1)


def googlenet(split=False):
    network = PapersGoogLeNet(aux_logits=True, init_weights=True, transform_input=False)
    if split:
        for name, module in list(network.named_children()):
            if name.startswith("inception"):
                setattr(network, name, SplitBranch(module))
    return network


def attacker_model(network):
    from robustness.attacker import AttackerModel

    return AttackerModel(network, SimpleNamespace(mean=MEAN, std=STD)).eval()


def save_robustness(model, path, key="model", legacy=False):
    """As the library's trainer does: behind DataParallel, with all that goes on training."""
    import dill

    optimiser = torch.optim.SGD(model.model.parameters(), 0.1, 0.9)
    schedule = torch.optim.lr_scheduler.LambdaLR(optimiser, lambda epoch: 0.1)
    contents = {
        key: {f"module.{k}": v for k, v in model.state_dict().items()},
        "optimizer": optimiser.state_dict(), "schedule": schedule.state_dict(), "epoch": 90,
        "amp": None, "nat_prec1": torch.tensor(39.8), "adv_prec1": np.float64(20.3),
        "steps": np.int64(3),
    }  # fmt: skip
    torch.save(contents, path, pickle_module=dill, _use_new_zipfile_serialization=not legacy)
