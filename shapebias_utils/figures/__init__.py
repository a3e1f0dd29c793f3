"""Figures from tables: one function per kind of figure, a file per topic, and `save`.

Colours and markers come from the networks' records; nothing here runs a network.
"""

from .cues import confusion, shape_bias_by_category
from .drawing import png, save
from .images import decisions, disagreements, image_grid
from .training import accuracy_against_eps, sensitivity, training_curves

__all__ = [
    "accuracy_against_eps",
    "confusion",
    "decisions",
    "disagreements",
    "image_grid",
    "png",
    "save",
    "sensitivity",
    "shape_bias_by_category",
    "training_curves",
]
