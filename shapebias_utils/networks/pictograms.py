"""The networks trained on Pictogram-16: three architectures, each standard, robust and control.

And the further regimes, of the architectures that are compared under them.
"""

from dataclasses import replace

from ..categories import CATEGORIES
from . import AUXILIARY, COLOURS, CORE, MARKERS, SUFFIXES, Network, mini
from .branches import auxiliary

LAYERS = {
    mini.AlexNet: ("conv1", "conv2", "conv3", "conv4", "conv5"),
    mini.GoogLeNet: (
        "conv1", "conv2", "conv3", "inception3a", "inception3b", "inception4a", "inception4b",
        "inception4c", "inception4d", "inception4e", "inception5a", "inception5b",
    ),
    mini.ResNet: ("conv1", "layer1", "layer2", "layer3", "layer4"),
}  # fmt: skip
"""Architecture -> the layers that are probed, named as in the paper's Appendix A."""

FURTHER = {
    "AlexNet": (
        "linf2", "linf4", "linf8", "fgsm4", "fgsm8", "spatial",
        "underfit", "noise", "smooth-filters-weak", "smooth-filters", "smooth-gradients-weak",
        "smooth-gradients", "joint",
    ),
    "ResNet": (
        "advprop-pgd1", "advprop-pgd5", "advprop-pgd1-aux",
        "advprop-pgd5-aux", "advprop-1step", "advprop-5steps", "sin", "sin-in", "sin-and-in",
        "sin-in-joint",
    ),
}  # fmt: skip
"""Architecture -> its further regimes: the paper's own of ResNet, the others of AlexNet."""


def _network(build: type, layers: tuple[str, ...], training: str) -> Network:
    architecture, trained = build.__name__, training.removesuffix(AUXILIARY)
    return Network(
        name=architecture + SUFFIXES.get(training, f"-{training}"),
        build=build if trained == training else auxiliary(build),
        dataset="pictograms",
        architecture=architecture,
        training=training,
        checkpoint=f"pictograms/{architecture.lower()}_{trained}_seed0.safetensors",
        layers={layer: layer for layer in layers},
        n_classes=len(CATEGORIES),
        colour=COLOURS[training],
        marker=MARKERS[architecture],
    )


NETWORKS = tuple(
    _network(build, layers, training) for build, layers in LAYERS.items() for training in CORE
)

REGIMES = tuple(
    replace(_network(build, layers, training), further=True)
    for build, layers in LAYERS.items()
    for training in FURTHER.get(build.__name__, ())
)
ALL = NETWORKS + REGIMES
