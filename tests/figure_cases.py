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
    """AlexNet-R's has validation accuracies too, as networks trained lately have."""
    rows = [about | {"epoch": e, "accuracy": 0.2 * e} for about in ABOUT for e in (1, 2, 3)]
    table = pd.DataFrame(rows)
    late = table["network"] == "AlexNet-R"
    return table.assign(
        clean=(0.3 * table["epoch"]).where(late), adversarial=(0.1 * table["epoch"]).where(late)
    )


def curve() -> pd.DataFrame:
    rows = [
        about | {"eps": eps, "accuracy": 0.9 - 0.2 * eps, "low": 0.8 - 0.2 * eps, "high": 0.95}
        for about in ABOUT
        for eps in (2.0, 0.0, 1.0)
    ]
    return pd.DataFrame(rows)


def bias() -> tuple[pd.DataFrame, pd.DataFrame]:
    rng, observers = np.random.default_rng(0), [*ABOUT, HUMAN]
    rows = [
        o | {"category": c, "shape_bias": b, "low": 0.9 * b, "high": 0.9 * b + 0.1,
             "n": 75, "shape": int(40 * b), "texture": 40 - int(40 * b)}
        for o in observers for c in CATEGORIES for b in [rng.random()]
    ]  # fmt: skip
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
    """Channels 0 to 5 of two networks: margin towards shape i / 10, towards texture 2 i / 10."""
    rows = [
        about | {"layer": "conv1", "unit": i, "shape_margin": i / 10, "texture_margin": i / 5,
                 "category": ["texture", "color", "none"][i % 3]}
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
        for quantity, times in (("score", 1), ("share", 0.5))
        for cue, value in (("shape", 0.2 * factor * times), ("texture", 0.5 * factor * times))
    ]  # fmt: skip
    return pd.DataFrame(rows)


def removed() -> pd.DataFrame:
    orders = (("texture", 0.1), ("shape", -0.1), ("texture only", 0.05), ("shape only", -0.05),
              ("as texture 1", 0.0), ("as texture 2", 0.0), ("as shape 1", 0.0))  # fmt: skip
    rows = [
        about | {"order": order, "channels": k, "shape_bias": 0.3 + slope * k, "low": 0.2,
                 "high": 0.9}
        for about in ABOUT[:2]
        for order, slope in orders
        for k in (2, 0, 1)
    ]  # fmt: skip
    return pd.DataFrame(rows)


def by_category() -> pd.DataFrame:
    """Of 20 channels 4 and 9 in S, 8 and 6 in R; of ResNet none and 3."""
    counts = {"AlexNet": (4, 9), "AlexNet-R": (8, 6), "AlexNet-control": (5, 8)}
    rows = [
        about | {"category": c, "count": k, "share": k / 20, "low": k / 40, "high": k / 15, "n": 20}
        for about in ABOUT[:3]
        for c, k in zip(("color", "object"), counts[about["network"]], strict=True)
    ]
    facts = {"architecture": "ResNet", "category": "color", "n": 20}
    rows += [facts | {"training": t, "count": k, "share": k / 20, "low": 0, "high": k / 10}
             for t, k in (("standard", 0), ("robust", 3))]  # fmt: skip
    return pd.DataFrame(rows)


def layers_by_category() -> pd.DataFrame:
    return pd.concat([layered()[:6].assign(category=c) for c in ("color", "object")])


def crossed() -> pd.DataFrame:
    rows = [
        about | {"category": c, "to": to, "count": k, "n": 10, "share": k / 10}
        for about in ABOUT[:3]
        for c, to, k in (("object", "its texture", 6), ("object", "object", 4), ("part", "part", 9),
                         ("part", "none", 1), ("texture", "texture", 10))
    ]  # fmt: skip
    return pd.DataFrame(rows)


def turned(n: int) -> pd.DataFrame:
    """Images of `Stimuli` whose decision changes."""
    return pd.DataFrame({"imagename": Stimuli.table["imagename"][:n], "before": "cat",
                         "after": "car"})  # fmt: skip


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


def by_severity() -> pd.DataFrame:
    rows = [
        {"architecture": a, "against": b, "distortion": d, "level": level, "low": x - 0.05,
         "difference": x, "high": x + 0.05}
        for a in ("AlexNet", "ResNet")
        for b in ("standard", "control")
        for d, x in (("fog", -0.5), ("snow", 0.02))
        for level in (1, 2, 3, 4, 5)
    ]  # fmt: skip
    return pd.DataFrame(rows)


def by_share() -> pd.DataFrame:
    table = by_severity()[by_severity()["level"] == 1]
    return table.assign(share=table["distortion"].map({"fog": 0.1, "snow": 0.4}))


FOLLOWS = pd.DataFrame([{"architecture": "AlexNet", "against": "standard", "effect": 0.5,
                         "low": 0.1, "high": 0.8}])  # fmt: skip


def layered() -> pd.DataFrame:
    rows = [
        about | {"layer": layer, "value": v, "low": v - 0.1, "high": v + 0.1}
        for i, about in enumerate(ABOUT)
        for layer, v in (("conv1", 1.0 + i), ("conv2", 2.0 + i))
    ]
    return pd.DataFrame(rows)


def spread() -> pd.DataFrame:
    quantiles = {"least": 0.1, "lower": 0.2, "median": 0.3, "upper": 0.4, "most": 0.5}
    return layered().assign(**quantiles)


def over_levels() -> pd.DataFrame:
    rows = [
        about | {"deviation": d, "value": 5 * d, "low": 4 * d, "high": 6 * d}
        for about in ABOUT
        for d in (0.02, 0.08, 0.32)
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
                 "high": bias + 0.1, "by_shape": 0.6 * bias, "by_texture": 0.6 * (1 - bias)}
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


def salient() -> pd.DataFrame:
    rows = [
        about | {"imagename": name, "title": title}
        for name in ("a", "b")
        for title in ("Real", "Scrambled")
        for about in ABOUT[:3]
    ]
    return pd.DataFrame(rows)


def agreed() -> pd.DataFrame:
    rows = [
        {"architecture": a, "subset": subset, "outcome": o, "count": int(100 * x), "share": x,
         "n": 100}
        for a in ("AlexNet", "ResNet")
        for subset in ("fragments", "whole objects")
        for o, x in (("both", 0.5), ("S only", 0.3), ("R only", 0.05), ("neither", 0.15))
    ]  # fmt: skip
    return pd.DataFrame(rows)


def norms() -> pd.DataFrame:
    rows = [
        {"cue": cue, "whole": whole, "low": m - 0.5, "median": m, "high": m + 1, "n": 8}
        for cue, m in (("figure_ground", 6.0), ("texture", 2.0))
        for whole in (True, False)
    ]
    return pd.DataFrame(rows)


def zoned() -> pd.DataFrame:
    rows = [
        about | {"quantity": quantity, "value": value, "low": 0.8 * value, "high": 1.2 * value}
        for about in ABOUT
        for quantity, value in (("saliency: contour", 2.0), ("saliency: clutter", 0.5))
    ]
    return pd.DataFrame(rows)


def by_contrast() -> pd.DataFrame:
    rows = [
        about | {"polarity": p, "level": c, "contrast": c * (0.3 if p == "own colours" else 1),
                 "accuracy": 0.2 + 0.5 * c, "low": 0.1, "high": 0.9}
        for about in ABOUT
        for p in ("black on white", "own colours")
        for c in (1, 0.5)
    ]  # fmt: skip
    return pd.DataFrame(rows)


def low_passed() -> pd.DataFrame:
    rows = [
        about | {"kind": kind, "level": level, "subset": "all images",
                 "accuracy": 0.9 - 0.2 * level, "shape_bias": 0.2 + 0.2 * level, "low": 0.1,
                 "high": 0.8}
        for about in ABOUT[:4]
        for kind, levels in (("blur", (0.0, 1.0, 2.0)), ("resizing", (1.0, 2.0)))
        for level in levels
    ]  # fmt: skip
    return pd.DataFrame(rows)


def on_stimuli() -> pd.DataFrame:
    kept = (
        low_passed()
        .query("network == 'AlexNet'")
        .assign(network="SqueezeNet", stimuli="550 of 11 categories")
    )
    ends = {"accuracy_low": kept["accuracy"] - 0.1, "accuracy_high": kept["accuracy"] + 0.1}
    return kept.assign(lost=100 * (0.9 - kept["accuracy"]), top1=kept["accuracy"], **ends)


PAPERS = pd.DataFrame(
    {"architecture": "ResNet", "training": ["standard", "robust"], "shape_bias": [0.22, 0.7],
     "lost": [0.0, 18.0]}
)  # fmt: skip


def statistics() -> pd.DataFrame:
    rows = [
        about | {"quantity": quantity, "value": 0.3, "low": 0.2, "high": 0.45}
        for about in ABOUT
        for quantity in ("lost without texture", "lost without colour")
    ]
    return pd.DataFrame(rows)


def transformed() -> pd.DataFrame:
    rows = [
        about | {"family": family, "level": level, "value": 0.9 - 0.1 * i, "low": 0.1, "high": 1.0}
        for about in ABOUT
        for family, levels in (("saturated", (1, 4, 8)), ("scrambled", (2, 4)), ("stylized", (1,)))
        for i, level in enumerate(levels)
    ]
    return pd.DataFrame(rows)


def parts_of_gains() -> pd.DataFrame:
    ends = {"": 0.2, "_low": 0.1, "_high": 0.35}
    row = {f"{part}{end}": v for part in ("by_shape", "by_texture") for end, v in ends.items()}
    return pd.DataFrame([row | {"architecture": "AlexNet", "against": "standard"}])


def hybrids() -> tuple[pd.DataFrame, pd.DataFrame]:
    rows = [
        about | {"level": level, "shape_bias": level / 20, "low": 0.0, "high": 0.9}
        for about in ABOUT
        for level in (2.0, 4.0, 16.0)
    ]
    found = [about | {"level": 9.0, "low": 8.0, "high": high} for about, high in
             zip(ABOUT, (11, 12, np.inf, 10, 11), strict=True)]  # fmt: skip
    return pd.DataFrame(rows), pd.DataFrame(found)


def kappas() -> pd.DataFrame:
    rows = {"group": ["S with S", "R with R"], "kappa": [0.2, 0.4], "low": 0.1, "high": 0.5}
    return pd.DataFrame(rows)


PRINTED = pd.DataFrame({"of": ["human"], "value": [0.331], "read": ["R/M"]})
PUBLISHED = pd.DataFrame({"eps": [0, 3], "shape_bias": [20, 65]})


def route_points() -> pd.DataFrame:
    rows = [
        ABOUT[1] | {"network": t, "training": t, "shape_bias": b, "clean": 0.95, "weight": b,
                    "adversarial": b / 2, "corrupted": 0.6, "noisy": 0.5}
        for t, b in (("standard", 0.3), ("robust", 0.8), ("sin", 0.9), ("L2 eps 1", 0.6))
    ]  # fmt: skip
    return pd.DataFrame(rows)


def correlated() -> pd.DataFrame:
    rows = [
        ("shape_bias", "clean", -0.5, -0.8, -0.1, 9),
        ("shape_bias", "adversarial", 0.9, 0.7, 1, 9),
    ]
    return pd.DataFrame(rows, columns=["x", "y", "correlation", "low", "high", "n"])


def certain() -> pd.DataFrame:
    rows = [
        ABOUT[1] | {"radius": r, "accuracy": 0.9 - r, "low": 0.7 - r, "high": 0.95, "n": 24}
        for r in (0.0, 0.1, 0.2)
    ]
    return pd.DataFrame(rows)


def judged() -> pd.DataFrame:
    rows = [
        {"claim": f"c{i}", "statement": f"R is above S, {i}", "notebook": "03", "architecture": a,
         "against": b, "verdict": v}
        for i, v in enumerate(("reproduced", "reversed", "undecided", "at chance", "not tested"))
        for a in ("AlexNet", "ResNet")
        for b in ("standard", "control")
    ]  # fmt: skip
    return pd.DataFrame(rows)


def timings():
    """One that reaches its target, one that misses it, one without a target, one left out."""
    rows = [("a", 3.0, 2.0), ("b", 0.8, 1.0), ("c", 1.5, None), ("d", None, None)]
    return pd.DataFrame(rows, columns=["case", "ratio", "target"]).assign(against="plain")


FULL = {
    "verdict_grid": partial(figures.verdict_grid, judged()),
    "routes": partial(figures.routes, route_points(), correlated()),
    "fusion": partial(figures.fusion, route_points(), route_points()),
    "certified": partial(figures.certified, certain()),
    "agreement": partial(figures.agreement, agreed()),
    "contrast": partial(figures.contrast, by_contrast(), NETWORKS, 1 / 16),
    "scrambled": partial(
        figures.scrambled,
        pd.concat([by_level().assign(subset=s) for s in ("whole objects", "fragments")]),
        NETWORKS,
        "p",
    ),
    "cue_norms": partial(figures.cue_norms, norms(), (1.0, 2.5)),
    "eps_curve": partial(figures.eps_curve, along_eps(), PUBLISHED, (28.0, 134.0)),
    "pair_leads": partial(figures.pair_leads, pair_leads(), NETWORKS),
    "psychometric": partial(figures.psychometric, along(), balances(), NETWORKS),
    "cues_alone": partial(figures.cues_alone, alone(), NETWORKS, {"flat": "No texture"}, 1 / 16),
    "channels_by_category": partial(
        figures.channels_by_category,
        by_category(),
        pd.DataFrame({"architecture": ["AlexNet"], "category": ["color"], "change": [117]}),
    ),
    "channels_by_layer": partial(
        figures.channels_by_layer, layers_by_category(), "category", "share"
    ),
    "cross_labelling": partial(figures.cross_labelling, crossed()),
    "concept_differences": partial(
        figures.concept_differences, concept_differences(), ("texture", "object"), most=2
    ),
    "removal_curves": partial(figures.removal_curves, removed(), NETWORKS),
    "margin_scatter": partial(figures.margin_scatter, channel_scores()),
    "channel_examples": partial(
        figures.channel_examples,
        ["cat1-dog1.png", "cat2-dog2.png"],
        Stimuli(),
        {"by shape": turned(3), "by texture": turned(0)},
        Stimuli(),
        "conv1 7",
    ),
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
    "lead_heatmap": partial(figures.lead_heatmap, by_severity(), ["snow", "fog"], {"fog": "Fog"}),
    "lead_against_frequency": partial(
        figures.lead_against_frequency, by_share(), FOLLOWS, {"fog": "weather", "snow": "extra"}
    ),
    "filter_banks": partial(figures.filter_banks, BANKS, NETWORKS),
    "matched_filters": partial(figures.matched_filters, MATCHED, BANKS, per_row=3),
    "by_layer": partial(
        figures.by_layer, {"mean TV": layered(), "of channels": spread()}, NETWORKS
    ),
    "over_levels": partial(figures.over_levels, {"noise / signal": over_levels()}, NETWORKS),
    "activation_tv": partial(figures.activation_tv, channels(), NETWORKS),
    "saliency_grid": partial(
        figures.saliency_grid,
        salient(),
        np.full((12, 3, 4, 4), 0.5),
        np.tile(np.linspace(0, 1, 16, dtype=np.float32).reshape(1, 4, 4), (12, 1, 1)),
        NETWORKS,
    ),
    "mask_scores": partial(
        figures.mask_scores,
        zoned(),
        NETWORKS,
        {"saliency: contour": "contour", "saliency: clutter": "clutter"},
    ),
    "transformed_accuracy": partial(
        figures.transformed_accuracy,
        transformed(),
        NETWORKS,
        {"saturated": "p", "scrambled": "k", "stylized": ""},
        1 / 16,
    ),
    "more_than_blur": partial(figures.more_than_blur, low_passed(), NETWORKS, on_stimuli(), PAPERS),
    "dots": partial(figures.dots, statistics(), NETWORKS, "architecture", "quantity", "share"),
    "gains": partial(figures.gains, parts_of_gains()),
    "frequency_conflict": partial(figures.frequency_conflict, *hybrids(), NETWORKS),
    "error_consistency": partial(figures.error_consistency, kappas(), kappas(), PRINTED, "Here"),
    "ratios": partial(figures.ratios, timings()),
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
