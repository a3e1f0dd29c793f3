"""The networks trained on Pictogram-16: three architectures, each standard, robust and control."""

from ..categories import CATEGORIES
from . import MARKERS, TRAINING_COLOURS, Network, mini

LAYERS = {
    mini.AlexNet: ("conv1", "conv2", "conv3", "conv4", "conv5"),
    mini.GoogLeNet: (
        "conv1", "conv2", "conv3", "inception3a", "inception3b", "inception4a", "inception4b",
        "inception4c", "inception4d", "inception4e", "inception5a", "inception5b",
    ),
    mini.ResNet: ("conv1", "layer1", "layer2", "layer3", "layer4"),
}  # fmt: skip
"""Architecture -> the layers that are probed, named as in the paper's Appendix A."""

SUFFIXES = {"standard": "", "robust": "-R", "control": "-control"}

NETWORKS = tuple(
    Network(
        name=architecture.__name__ + suffix,
        build=architecture,
        dataset="pictograms",
        architecture=architecture.__name__,
        training=training,
        checkpoint=f"pictograms/{architecture.__name__.lower()}_{training}_seed0.safetensors",
        layers={layer: layer for layer in layers},
        n_classes=len(CATEGORIES),
        colour=TRAINING_COLOURS[training],
        marker=MARKERS[architecture.__name__],
    )
    for architecture, layers in LAYERS.items()
    for training, suffix in SUFFIXES.items()
)
