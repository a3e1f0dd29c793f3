"""The networks trained on Tiny ImageNet's classes that have a category: AlexNet and ResNet.

Each standard (S), robust at L2 eps 1 (R) and control, and, asked for by its name, robust at eps 2.
"""

from functools import partial

from ..datasets.tiny_imagenet import CATEGORISED
from . import COLOURS, CORE, MARKERS, SUFFIXES, Network, mini
from .pictograms import LAYERS

NETWORKS = tuple(
    Network(
        name=architecture.__name__ + SUFFIXES[training],
        build=partial(architecture, len(CATEGORISED)),
        dataset="tiny_imagenet",
        architecture=architecture.__name__,
        training=training,
        checkpoint=f"tiny_imagenet/{architecture.__name__.lower()}_{training}_seed0.safetensors",
        layers={layer: layer for layer in LAYERS[architecture]},
        n_classes=len(CATEGORISED),
        colour=COLOURS[training],
        marker=MARKERS[architecture.__name__],
        further=training not in CORE,
    )
    for architecture in (mini.AlexNet, mini.ResNet)
    for training in (*CORE, "robust-eps2")
)
