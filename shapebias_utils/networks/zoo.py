"""The paper's ImageNet networks: AlexNet, GoogLeNet and ResNet-50, standard (S) and robust (R).

The architectures are torchvision's. S weights are torchvision's own, as the paper's; R weights are
files of the `robustness` library. `shapebias doctor` says which are there and where to get them.
"""

from collections.abc import Callable
from typing import TYPE_CHECKING

from . import MARKERS, TRAINING_COLOURS, Network

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
) -> Network:
    return Network(
        name=architecture + {"standard": "", "robust": "-R"}[training],
        build=build,
        dataset="imagenet",
        architecture=architecture,
        training=training,
        checkpoint=f"imagenet/{file}",
        sha256=sha256,
        layers=LAYERS[architecture],
        colour=TRAINING_COLOURS[training],
        marker=MARKERS[architecture],
        origin=origin,
    )


AUTHORS = "https://github.com/anguyen8/shape-bias (the authors' checkpoints)"
MADRYLAB = "https://github.com/MadryLab/robustness#pretrained-models (ImageNet, L2, eps 3.0)"

NETWORKS = (
    # The eight digits in torchvision's file names are the first of the file's SHA-256.
    _network("AlexNet", "standard", alexnet, "alexnet-owt-7be5be79.pth", "7be5be79"),
    _network("AlexNet", "robust", alexnet, "alexnet_l2_3_0.pt", origin=AUTHORS),
    _network("GoogLeNet", "standard", ported_googlenet, "googlenet-1378be20.pth", "1378be20"),
    _network("GoogLeNet", "robust", googlenet, "googlenet_l2_3_0.pt", origin=AUTHORS),
    _network("ResNet", "standard", resnet50, "resnet50-0676ba61.pth", "0676ba61"),
    _network("ResNet", "robust", resnet50, "imagenet_l2_3_0.pt", origin=MADRYLAB),
)
"""S and R side by side, in the paper's order; ResNet-R is MadryLab's published network."""
