"""Figures from tables: one function per kind of figure, a file per topic, and `save`.

Colours and markers come from the networks' records; nothing here runs a network.
"""

from .ablation import removal_curves, score_scatter, scores_by_category
from .corruptions import leads, severity_curves
from .cues import confusion, pair_leads, psychometric, shape_bias_by_category
from .dissection import concept_differences, unit_changes
from .distortions import accuracy_against_level, cues_alone, what_is_said
from .drawing import png, save
from .images import decisions, disagreements, image_grid
from .preferred import preferred_images
from .smoothness import activation_tv, by_layer, filter_banks, matched_filters, spectra
from .training import accuracy_against_eps, eps_curve, sensitivity, training_curves

__all__ = [
    "accuracy_against_eps",
    "accuracy_against_level",
    "activation_tv",
    "by_layer",
    "concept_differences",
    "confusion",
    "cues_alone",
    "decisions",
    "disagreements",
    "eps_curve",
    "filter_banks",
    "image_grid",
    "leads",
    "matched_filters",
    "pair_leads",
    "png",
    "preferred_images",
    "psychometric",
    "removal_curves",
    "save",
    "score_scatter",
    "scores_by_category",
    "sensitivity",
    "severity_curves",
    "shape_bias_by_category",
    "spectra",
    "training_curves",
    "unit_changes",
    "what_is_said",
]
