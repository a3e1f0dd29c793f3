"""A small table for every kind of figure, with values that tests know."""

from functools import partial

import numpy as np
import pandas as pd

from shapebias_utils import figures
from shapebias_utils.categories import CATEGORIES
from shapebias_utils.networks import TRAINING_COLOURS, Network

ORANGE, BLUE, GREY, RED = "#d9772b", "#2467b0", "#8a8a8a", "#a51e37"


def record(name, training, marker="o", colour=None):
    architecture = name.split("-")[0]
    colour = colour or TRAINING_COLOURS[training]
    facts = {"architecture": architecture, "training": training, "marker": marker}
    return Network(name, None, colour=colour, **facts)


NETWORKS = [
    record("AlexNet", "standard"),
    record("AlexNet-R", "robust"),
    record("AlexNet-control", "control"),
    record("ResNet", "standard", "^"),
    record("Mine", "standard", "P", "#008800"),
]
COLOURS = {
    "AlexNet": ORANGE, "AlexNet-R": BLUE, "AlexNet-control": GREY, "ResNet": ORANGE,
    "Mine": "#008800",
}  # fmt: skip
ABOUT = [{"network": n.name, "architecture": n.architecture, "training": n.training, "seed": 0}
         for n in NETWORKS]  # fmt: skip
HUMAN = {"network": "subject-01", "architecture": "human", "training": "human", "seed": 0}


def log() -> pd.DataFrame:
    rows = [about | {"epoch": e, "accuracy": 0.2 * e} for about in ABOUT for e in (1, 2, 3)]
    return pd.DataFrame(rows)


def curve() -> pd.DataFrame:
    rows = [
        about | {"eps": eps, "accuracy": 0.9 - 0.2 * eps, "low": 0.8 - 0.2 * eps, "high": 0.95}
        for about in ABOUT
        for eps in (2.0, 0.0, 1.0)
    ]
    return pd.DataFrame(rows)


def bias() -> tuple[pd.DataFrame, pd.DataFrame]:
    rng, observers = np.random.default_rng(0), [*ABOUT, HUMAN]
    rows = [o | {"category": c, "shape_bias": rng.random()} for o in observers for c in CATEGORIES]
    overall = [
        o | {"shape_bias": 0.1 + 0.15 * i, "low": 0.15 * i, "high": 0.2 + 0.15 * i}
        for i, o in enumerate(observers)
    ]
    return pd.DataFrame(rows), pd.DataFrame(overall)


def confusions() -> pd.DataFrame:
    rows = [
        {
            "network": name,
            "cue": cue,
            "category": c,
            "response": r,
            "share": 0.75 if c == r else 0.25,
        }
        for name in ("AlexNet", "AlexNet-R")
        for cue in ("shape", "texture")
        for c, r in [*zip(CATEGORIES, CATEGORIES, strict=True), ("cat", "dog"), ("cat", "na")]
    ]
    return pd.DataFrame(rows)


def decided() -> pd.DataFrame:
    rows = [
        {"network": name, "category": c, "probability": (i + shift) % 16 / 120}
        for name, shift in (("AlexNet", 0), ("AlexNet-R", 3))
        for i, c in enumerate(CATEGORIES)
    ]
    return pd.DataFrame(rows)


def study() -> pd.DataFrame:
    rows = [
        {"texture_contrast": c, "eps": eps, "shape_bias": b, "low": b - 0.1, "high": b + 0.1}
        for eps, b in ((2.5, 0.8), (0.0, 0.3), (1.25, 0.6))
        for c in (0.12, 0.06)
    ]
    return pd.DataFrame(rows)


class Stimuli:
    """Images of one brightness each: image i is i / 10."""

    table = pd.DataFrame({"imagename": [f"cat{i}-dog{i}.png" for i in range(8)]})

    def load(self, rows):
        import torch

        return torch.stack([torch.full((3, 4, 4), r / 10) for r in rows])


def examples() -> pd.DataFrame:
    facts = {"shape": "cat", "texture": "dog"}
    return pd.DataFrame(
        [
            {"architecture": a, "imagename": f"cat{i}-dog{i}.png"} | facts
            for a, wanted in (("AlexNet", [5, 2, 7]), ("ResNet", [1]))
            for i in wanted
        ]
    )


def by_level() -> pd.DataFrame:
    rows = [
        about | {"level": p, "accuracy": 1 - 0.1 * i, "low": 0.9 - 0.1 * i, "high": 1.0}
        for about in ABOUT
        for i, p in enumerate((1, 2, 4, 8))
    ]
    return pd.DataFrame(rows)


def said() -> pd.DataFrame:
    rows = [
        {"architecture": a, "category": "cat", "distortion": d, "level": p,
         "said_standard": "cat", "confidence_standard": 0.95, "said_robust": r,
         "confidence_robust": 0.4}
        for a in ("AlexNet", "ResNet")
        for d, p, r in (("real", 1, "cat"), ("scramble", 4, "dog"))
    ]  # fmt: skip
    return pd.DataFrame(rows[:3])


def preferred() -> pd.DataFrame:
    """Two channels that prefer other images, the second only three."""
    rows = [
        {"title": title, "rank": rank, "imagename": f"cat{i}-dog{i}.png",
         "top": 0, "left": 1, "bottom": 2, "right": 4}
        for title, order in (("conv1, 5", [3, 0, 7, 1]), ("conv2, 9", [2, 6, 4]))
        for rank, i in enumerate(order, 1)
    ]  # fmt: skip
    return pd.DataFrame(rows)


def channel_scores() -> pd.DataFrame:
    """Channels 0 to 5 of two networks: Shape score i, Texture score 2 i."""
    rows = [
        about | {"layer": "conv1", "unit": i, "shape_score": i, "texture_score": 2 * i,
                 "shape": 10, "texture": 30, "category": ["texture", "color", "none"][i % 3]}
        for about in ABOUT[:2]
        for i in range(6)
    ]  # fmt: skip
    return pd.DataFrame(rows)


def category_scores() -> pd.DataFrame:
    rows = [
        about | {"category": category, "cue": cue, "quantity": quantity, "value": value,
                 "low": 0.8 * value, "high": 1.3 * value, "random_low": 0.1, "random_high": 0.4,
                 "n": n}
        for about, factor in zip(ABOUT[:2], (1, 2), strict=True)
        for category, n in (("all", 9), ("color", 3), ("texture", 6))
        for cue, value in (("shape", 0.2 * factor), ("texture", 0.5 * factor))
        for quantity in ("score", "share")
    ]  # fmt: skip
    return pd.DataFrame(rows)


def removed() -> pd.DataFrame:
    rows = [
        about | {"order": order, "channels": k, "shape_bias": 0.3 + slope * k, "low": 0.2,
                 "high": 0.9}
        for about in ABOUT[:2]
        for order, slope in (("texture", 0.1), ("shape", -0.1), ("random 1", 0.0), ("random 2", 0))
        for k in (2, 0, 1)
    ]  # fmt: skip
    return pd.DataFrame(rows)


def unit_changes() -> pd.DataFrame:
    rows = [("AlexNet", "color", 4, 8, 100.0), ("AlexNet", "object", 9, 6, -100 / 3),
            ("ResNet", "color", 0, 3, np.nan)]  # fmt: skip
    return pd.DataFrame(rows, columns=["architecture", "category", "S", "R", "change"])


def concept_differences() -> pd.DataFrame:
    rows = [
        {
            "architecture": a,
            "category": c,
            "concept": f"{c}{i}",
            "S": 5,
            "R": 5 + d,
            "difference": d,
        }
        for a in ("AlexNet", "ResNet")
        for c in ("texture", "object")
        for i, d in enumerate((4, 1, 0, -3))
    ]
    return pd.DataFrame(rows)


GREY_IMAGES = np.full((3, 3, 4, 4), 0.5)


def corrupted() -> pd.DataFrame:
    rows = [
        about | {"distortion": d, "level": level, "accuracy": 1 - level / 10, "low": 0.4, "high": 1}
        for about in ABOUT
        for d in ("fog", "snow", "mean of 15")
        for level in (1, 3, 5)
    ]
    return pd.DataFrame(rows)


def led() -> pd.DataFrame:
    rows = [
        {"architecture": "AlexNet", "distortion": d, "difference": x, "low": x - 0.1,
         "high": x + 0.1, "paper": paper}
        for d, x, paper in (("fog", -0.3, -26.2), ("snow", 0.2, np.nan))
    ]  # fmt: skip
    return pd.DataFrame(rows)


def layered() -> pd.DataFrame:
    rows = [
        about | {"layer": layer, "value": v, "low": v - 0.1, "high": v + 0.1}
        for i, about in enumerate(ABOUT)
        for layer, v in (("conv1", 1.0 + i), ("conv2", 2.0 + i))
    ]
    return pd.DataFrame(rows)


def channels() -> pd.DataFrame:
    rows = [
        about | {"layer": f"conv{layer}", "clean": 10.0 * c, "noisy": 12.0 * c}
        for about in ABOUT
        for layer in range(1, 8)
        for c in (0, 1, 2, 3)
    ]
    return pd.DataFrame(rows)


def powers() -> pd.DataFrame:
    rows = [
        about | {"frequency": f, "value": 2 - f, "low": 1.5 - f, "high": 2.5 - f}
        for about in ABOUT
        for f in (0.0, 0.25, 0.5, 0.7)
    ]
    return pd.DataFrame(rows)


BANKS = {n.name: np.full((5, 3, 4, 4), 0.5) for n in NETWORKS}
for _bank in BANKS.values():
    _bank[3] = -2.0  # the darkest, on its own scale
    _bank[4] = 0.0
MATCHED = pd.DataFrame(
    {"network": "AlexNet", "other": "AlexNet-R", "filter": range(5), "match": [4, 3, 2, 1, 0],
     "r": 0.5, "difference": [2.0, -1.0, 0.0, 1.0, 1.0]}
)  # fmt: skip


def pair_leads() -> pd.DataFrame:
    rows = [
        about | {"shape": s, "texture": t, "lead": 1.0 if s < t else -0.5, "n": 5}
        for about in ABOUT[:3]
        for s in CATEGORIES
        for t in CATEGORIES
        if s != t
    ]
    return pd.DataFrame(rows)


def along() -> pd.DataFrame:
    rows = [
        about | {"axis": axis, "level": level, "shape_bias": bias, "low": bias - 0.1,
                 "high": bias + 0.1}
        for about in ABOUT
        for axis in ("texture contrast", "shape contrast")
        for level, bias in ((0.1, 0.8), (0.3, 0.4))
    ]  # fmt: skip
    return pd.DataFrame(rows)


def balances() -> pd.DataFrame:
    rows = [about | {"axis": "texture contrast", "level": 0.25, "low": 0.2, "high": high}
            for about, high in zip(ABOUT, (0.3, np.inf, 0.4, 0.3, 0.3), strict=True)]  # fmt: skip
    return pd.DataFrame(rows)


def alone() -> pd.DataFrame:
    rows = [
        about | {"rendition": kind, "accuracy": share, "low": share - 0.1, "high": share + 0.1}
        for about in ABOUT
        for kind, share in (("real", 0.8), ("flat", 0.3))
    ]
    return pd.DataFrame(rows)


def along_eps() -> pd.DataFrame:
    rows = [
        ABOUT[1] | {"architecture": a, "seed": seed, "eps": eps, "shape_bias": 0.3 + 0.2 * eps,
                    "low": 0.2, "high": 0.9, "clean": 0.9, "adversarial": 0.4, "fragments": 0.2}
        for a, seed in (("AlexNet", 0), ("AlexNet", 1), ("ResNet", 0))
        for eps in (0.0, 1.0, 2.5)
    ]  # fmt: skip
    return pd.DataFrame(rows)


PUBLISHED = pd.DataFrame({"eps": [0, 3], "shape_bias": [20, 65]})
FULL = {
    "eps_curve": partial(figures.eps_curve, along_eps(), PUBLISHED),
    "pair_leads": partial(figures.pair_leads, pair_leads(), NETWORKS),
    "psychometric": partial(figures.psychometric, along(), balances(), NETWORKS),
    "cues_alone": partial(figures.cues_alone, alone(), NETWORKS, {"flat": "No texture"}, 1 / 16),
    "unit_changes": partial(figures.unit_changes, unit_changes()),
    "concept_differences": partial(
        figures.concept_differences, concept_differences(), ("texture", "object"), most=2
    ),
    "removal_curves": partial(figures.removal_curves, removed(), NETWORKS),
    "score_scatter": partial(figures.score_scatter, channel_scores(), ["AlexNet", "AlexNet-R"]),
    "scores_by_category": partial(figures.scores_by_category, category_scores(), NETWORKS),
    "training_curves": partial(figures.training_curves, log(), NETWORKS),
    "accuracy_against_eps": partial(figures.accuracy_against_eps, curve(), NETWORKS),
    "shape_bias_by_category": partial(figures.shape_bias_by_category, *bias(), NETWORKS),
    "confusion": partial(figures.confusion, confusions(), ["AlexNet", "AlexNet-R"]),
    "image_grid": partial(figures.image_grid, GREY_IMAGES, ["a", "b", "c"], columns=2, rows="xy"),
    "decisions": partial(figures.decisions, GREY_IMAGES[0], decided(), NETWORKS),
    "sensitivity": partial(figures.sensitivity, study()),
    "disagreements": partial(figures.disagreements, examples(), Stimuli(), per_pair=2),
    "preferred_images": partial(figures.preferred_images, preferred(), Stimuli(), columns=2),
    "accuracy_against_level": partial(figures.accuracy_against_level, by_level(), NETWORKS, "p"),
    "what_is_said": partial(figures.what_is_said, said(), GREY_IMAGES, "p"),
    "severity_curves": partial(figures.severity_curves, corrupted(), NETWORKS, {"fog": "Fog"}),
    "leads": partial(figures.leads, led(), NETWORKS, {"fog": "Fog"}),
    "filter_banks": partial(figures.filter_banks, BANKS, NETWORKS),
    "matched_filters": partial(figures.matched_filters, MATCHED, BANKS, per_row=3),
    "by_layer": partial(figures.by_layer, {"mean TV": layered()}, NETWORKS),
    "activation_tv": partial(figures.activation_tv, channels(), NETWORKS),
    "spectra": partial(figures.spectra, {"filters": powers(), "gradient": powers()}, NETWORKS),
}
"""Kind of figure -> a call that draws it from such a table."""


def emptied(value: object) -> object:
    """The same argument of a figure where there is nothing to show."""
    if isinstance(value, dict):
        return {key: emptied(inner) for key, inner in value.items()}
    if isinstance(value, pd.DataFrame):
        return value.iloc[:0]
    several = isinstance(value, list) or (isinstance(value, np.ndarray) and value.ndim == 4)
    return value[:0] if several else value


EMPTY: dict[str, partial] = {
    kind: partial(full.func, *map(emptied, full.args), **full.keywords)
    for kind, full in FULL.items()
}
EMPTY["training_curves"] = partial(figures.training_curves, pd.DataFrame(), [])  # as without a log
EMPTY["sensitivity"] = partial(figures.sensitivity, pd.DataFrame())  # as without a study
