"""Figures from tables: one function per kind of figure, a file per topic, and `save`.

Colours and markers come from the networks' records; nothing here runs a network.
"""

from .ablation import channel_examples, margin_scatter, removal_curves, scores_by_category
from .bench import ratios
from .blur import more_than_blur
from .claims import verdict_grid
from .corruptions import lead_against_frequency, lead_heatmap, leads, severity_curves
from .cues import confusion, pair_leads, psychometric, shape_bias_by_category
from .dissection import (
    channels_by_category,
    channels_by_layer,
    concept_differences,
    cross_labelling,
)
from .distortions import accuracy_against_level, contrast, cues_alone, scrambled, what_is_said
from .doubts import dots, error_consistency, frequency_conflict, gains
from .drawing import png, save
from .images import decisions, disagreements, image_grid
from .preferred import preferred_images
from .regimes import certified, fusion, routes
from .saliency import mask_scores, saliency_grid, transformed_accuracy
from .smoothness import activation_tv, by_layer, filter_banks, matched_filters, over_levels, spectra
from .training import (
    accuracy_against_eps,
    agreement,
    cue_norms,
    eps_curve,
    sensitivity,
    training_curves,
)

__all__ = [
    "accuracy_against_eps",
    "accuracy_against_level",
    "activation_tv",
    "agreement",
    "by_layer",
    "certified",
    "channel_examples",
    "channels_by_category",
    "channels_by_layer",
    "concept_differences",
    "confusion",
    "contrast",
    "cross_labelling",
    "cue_norms",
    "cues_alone",
    "decisions",
    "disagreements",
    "dots",
    "eps_curve",
    "error_consistency",
    "filter_banks",
    "frequency_conflict",
    "fusion",
    "gains",
    "image_grid",
    "lead_against_frequency",
    "lead_heatmap",
    "leads",
    "margin_scatter",
    "mask_scores",
    "matched_filters",
    "more_than_blur",
    "over_levels",
    "pair_leads",
    "png",
    "preferred_images",
    "psychometric",
    "ratios",
    "removal_curves",
    "routes",
    "saliency_grid",
    "save",
    "scores_by_category",
    "scrambled",
    "sensitivity",
    "severity_curves",
    "shape_bias_by_category",
    "spectra",
    "training_curves",
    "transformed_accuracy",
    "verdict_grid",
    "what_is_said",
]
