"""The paper's ImageNet networks: AlexNet, GoogLeNet and ResNet-50, standard (S) and robust (R).

The architectures are torchvision's. S weights are torchvision's own, as the paper's; R weights are
files of the `robustness` library. `shapebias doctor` says which are there and where to get them.
"""

from collections.abc import Callable
from dataclasses import replace
from typing import TYPE_CHECKING

from . import COLOURS, MARKERS, SUFFIXES, Network
from .presets import resized_and_cropped

if TYPE_CHECKING:
    from torch import nn

    from .normalised import Normalised


def alexnet() -> "Normalised":
    """AlexNet (Krizhevsky 2014) over [0, 1] RGB, with random weights."""
    from torchvision import models

    from .normalised import normalised

    return normalised(models.alexnet())


def googlenet() -> "Normalised":
    """GoogLeNet over [0, 1] RGB, with random weights and without auxiliary heads."""
    from .normalised import normalised

    return normalised(_googlenet())


def ported_googlenet() -> "Normalised":
    """GoogLeNet for torchvision's weights, which come from TensorFlow and see [-1, 1].

    torchvision scales to that range by `transform_input`, after ImageNet's normalisation.
    """
    from .normalised import normalised

    return normalised(_googlenet(), mean=(0.5, 0.5, 0.5), std=(0.5, 0.5, 0.5))


def _googlenet() -> "nn.Module":
    from torchvision import models

    return models.googlenet(aux_logits=False, init_weights=True, transform_input=False)


def resnet50() -> "Normalised":
    """ResNet-50 over [0, 1] RGB, with random weights."""
    from torchvision import models

    from .normalised import normalised

    return normalised(models.resnet50())


_GOOGLENET = (
    "conv1", "conv2", "conv3", "inception3a", "inception3b", "inception4a", "inception4b",
    "inception4c", "inception4d", "inception4e", "inception5a", "inception5b",
)  # fmt: skip

LAYERS = {
    # The ReLUs behind the five convolutions: 64 + 192 + 384 + 256 + 256 = 1,152 channels.
    "AlexNet": {f"conv{i}": f"network.features.{at}" for i, at in enumerate((1, 4, 7, 9, 11), 1)},
    # Each ends in a ReLU of its own: 5,808 channels.
    "GoogLeNet": {layer: f"network.{layer}" for layer in _GOOGLENET},
    # conv1 is taken behind its batch norm and ReLU (the paper's code took it before): 3,904.
    "ResNet": {"conv1": "network.relu"} | {f"layer{i}": f"network.layer{i}" for i in range(1, 5)},
}
"""Architecture -> the probed layers of Appendix A -> modules whose output is post-ReLU."""


def _network(
    architecture: str,
    training: str,
    build: Callable,
    file: str,
    sha256: str | None = None,
    origin: str = "",
    terms: str = "",
) -> Network:
    return Network(
        name=architecture + SUFFIXES[training],
        build=build,
        dataset="imagenet",
        architecture=architecture,
        training=training,
        checkpoint=f"imagenet/{file}",
        sha256=sha256,
        layers=LAYERS[architecture],
        colour=COLOURS[training],
        marker=MARKERS[architecture],
        origin=origin,
        terms=terms,
        preset=resized_and_cropped(256, 224),
    )


def advprop() -> "Normalised":
    """ResNet-50 as AdvProp's published code feeds it, in [-1, 1]; its main branch."""
    from torchvision import models

    from .normalised import normalised

    return normalised(models.resnet50(), (0.5, 0.5, 0.5), (0.5, 0.5, 0.5))


AUTHORS = "https://github.com/anguyen8/shape-bias (the authors' checkpoints)"
GEIRHOS = "https://github.com/rgeirhos/texture-vs-shape (models/load_pretrained_models.py)"
ADVPROP = "https://github.com/tingxueronghua/pytorch-classification-advprop (model_best.pth.tar)"
UNKNOWN = "size and hash not published, results know the file's SHA-256"
MIT, NONE = f"MIT by its page; {UNKNOWN}", f"no licence stated; {UNKNOWN}"
MADRYLAB = "https://github.com/MadryLab/robustness#pretrained-models (ImageNet, L2, eps 3.0)"

NETWORKS = (
    # The eight digits in torchvision's file names are the first of the file's SHA-256.
    _network("AlexNet", "standard", alexnet, "alexnet-owt-7be5be79.pth", "7be5be79"),
    _network("AlexNet", "robust", alexnet, "alexnet_l2_3_0.pt", origin=AUTHORS, terms=MIT),
    _network("GoogLeNet", "standard", ported_googlenet, "googlenet-1378be20.pth", "1378be20"),
    _network("GoogLeNet", "robust", googlenet, "googlenet_l2_3_0.pt", origin=AUTHORS, terms=MIT),
    _network("ResNet", "standard", resnet50, "resnet50-0676ba61.pth", "0676ba61"),
    _network("ResNet", "robust", resnet50, "imagenet_l2_3_0.pt", origin=MADRYLAB, terms=MIT),
)
"""S and R side by side, in the paper's order; ResNet-R is MadryLab's published network."""

_REGIMES = (
    # Names as in Geirhos et al.'s repository: their models A, B and C.
    _network("ResNet", "sin", resnet50, "resnet50_train_60_epochs-c8e5653e.pth.tar", None, GEIRHOS),
    _network("ResNet", "sin-in", resnet50, "resnet_sin-in_seed0.safetensors"),
    _network(
        "ResNet", "sin-and-in", resnet50,
        "resnet50_train_45_epochs_combined_IN_SF-2a0d100e.pth.tar",
        origin=GEIRHOS,
    ),
    _network(
        "ResNet", "sin-in-joint", resnet50,
        "resnet50_finetune_60_epochs_lr_decay_after_30_start_resnet50_train_45_epochs_"
        "combined_IN_SF-ca06340c.pth.tar",
        origin=GEIRHOS,
    ),
    _network(
        "ResNet", "advprop-pgd1", advprop, "resnet50_advprop_pgd1.pth.tar",
        origin=ADVPROP, terms=NONE,
    ),
    _network(
        "ResNet", "advprop-pgd5", advprop, "resnet50_advprop_pgd5.pth.tar",
        origin=ADVPROP, terms=NONE,
    ),
)  # fmt: skip
REGIMES = tuple(replace(network, further=True) for network in _REGIMES)
"""Other trainings of ResNet. The paper's text has SIN+IN finetuned from SIN, which nobody
published; its numbers are those of "ResNet-SIN+IN-joint"."""

ALL = NETWORKS + REGIMES
