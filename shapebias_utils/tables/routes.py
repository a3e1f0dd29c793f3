"""The regimes of training, and what came of them, as a reader sees them."""

from collections.abc import Sequence

import pandas as pd

from ..attacks import Attack
from ..datasets import Dataset
from ..networks import AUXILIARY, Network
from ..results import reported
from ..training.recipes import Recipe, recipe_of
from ..training.strengths import ARCHITECTURE, COSTS, SWEPT
from . import percent

TITLES = {
    "shape_bias": "shape bias",
    "clean": "clean",
    "adversarial": "under attack",
    "corrupted": "corrupted",
    "noisy": "of these, noise",
}
"""Column of ``measures.routes.points`` -> its heading."""


def regimes(networks: Sequence[Network], data: Dataset) -> pd.DataFrame:
    """How each network is trained: a row a network.

    Columns `goes on from` (and for how many epochs), `images`, `adversary`, `besides`. Networks
    without a recipe are left out.
    """
    rows = {}
    for network in networks:
        try:
            training = network.training.removesuffix(AUXILIARY)
            recipe = recipe_of(data, network.architecture, training)
        except KeyError:
            continue
        start = f"{recipe.start or 'scratch'}, {recipe.epochs} epochs"
        rows[network.name] = [
            start,
            " and ".join(recipe.images),
            _adversary(recipe),
            _besides(recipe),
        ]
        if training != network.training:
            rows[network.name][3] = "seen through the adversarial half's batch norms"
    columns = ["goes on from", "images", "adversary", "besides"]
    return pd.DataFrame.from_dict(rows, orient="index", columns=columns)


def _adversary(recipe: Recipe) -> str:
    attack = recipe.attack
    if attack is None:
        return "none"
    steps = f"{attack.steps} step{'s' * (attack.steps > 1)}"
    if not isinstance(attack, Attack):
        return f"flow of {attack.eps:g} pixels, {steps}"
    if attack.constraint == "inf":
        return f"Linf {255 * attack.eps:g}/255, {steps}"
    return f"L2 eps {attack.eps:.3g}, {steps}"


def _besides(recipe: Recipe) -> str:
    said = {
        "half of each batch, with batch norms of its own": recipe.branches,
        f"noise of standard deviation {recipe.noise:g}": recipe.noise,
        f"{recipe.smooth_filters:g} x total variation of conv1": recipe.smooth_filters,
        f"{recipe.smooth_gradients:g} x squared input gradient": recipe.smooth_gradients,
        f"stopped at {recipe.until or 0:.0%} of validation images": recipe.until,
    }
    return ", ".join(text for text, used in said.items() if used)


PENALTIES = {
    "": "control",
    "attack": "R's attack",
    "noise": "noise",
    "smooth_filters": "variation of filters",
    "smooth_gradients": "input gradient",
}
"""A recipe's field -> what it adds to training."""


def strengths(kept: pd.DataFrame, data: Dataset) -> pd.DataFrame:
    """What each strength of noise and penalties costs (``training.strengths``), and what took it.

    A row a strength: clean accuracy in per cent, its cost as a share of that of R's attack, and the
    regime of the first architecture that has this strength. Empty where nothing is kept.
    """
    if kept.empty:
        return pd.DataFrame(columns=["clean", "of R's cost", "regime"])
    taken = {}
    for regime in COSTS:
        recipe = recipe_of(data, ARCHITECTURE, regime)
        taken |= {(f, getattr(recipe, f)): regime for f in SWEPT if getattr(recipe, f)}
    keys = list(zip(kept["field"].fillna(""), kept["strength"], strict=True))
    return pd.DataFrame(
        {
            "clean": kept["clean"].mul(100).round(1).to_numpy(),
            "of R's cost": [f"{cost:.0%}" for cost in kept["cost"]],
            "regime": [taken.get(key, "") for key in keys],
        },
        index=pd.MultiIndex.from_tuples(
            [(PENALTIES[field], f"{strength:g}") for field, strength in keys],
            names=["added", "strength"],
        ),
    )


def points(points: pd.DataFrame) -> pd.DataFrame:
    """Shape bias and accuracies in per cent: a row a network and seed."""
    keys = ["network", *(["seed"] if points["seed"].nunique() > 1 else [])]
    table = points.set_index(keys)[list(TITLES)].mul(100).round(1)
    return table.rename(columns=TITLES)


STYLIZED = {"sin": 81.37, "sin-in": 20.3, "sin-in-joint": 20.54}
"""Shape bias of ResNet as printed beside Fig. 7, and of the published network that it is close to
(texture-vs-shape's README, by another aggregation)."""


def beside_paper(points: pd.DataFrame) -> pd.DataFrame:
    """Tables 1 and 2 with their AdvProp columns: ours beside the paper's, in per cent.

    A row a network that the paper has a number of, of the points' first seed; columns `shape bias`,
    `clean` and `under attack`, each ours and the paper's.
    """
    keys = ["architecture", "training"]
    accuracy, bias = reported("table1_accuracy"), reported("table2_shape_bias")
    paper = accuracy.merge(bias[[*keys, "shape"]], on=keys)
    stylized = pd.DataFrame({"training": list(STYLIZED), "shape": list(STYLIZED.values())})
    paper = pd.concat([paper, stylized.assign(architecture="ResNet")], ignore_index=True)
    own = points[points["seed"] == points["seed"].min()]
    both = own.merge(paper, on=keys, suffixes=("", " (paper)"))
    table = pd.DataFrame({"network": both["network"]})
    pairs = {"shape_bias": "shape", "clean": "clean (paper)", "adversarial": "adversarial (paper)"}
    for ours, theirs in pairs.items():
        table[TITLES[ours], "ours"] = both[ours].mul(100).round(1)
        table[TITLES[ours], "paper"] = both[theirs]
    table = table.set_index("network").astype(object)
    table.columns = pd.MultiIndex.from_tuples(table.columns)
    return table.where(table.notna(), "–")


def verdicts(judged: pd.DataFrame) -> pd.DataFrame:
    """What each claim comes to, of ``claims.judged``: a row a claim and what it is held against."""
    shown = judged.assign(
        effect=[
            "–" if pd.isna(row.effect) else percent(row.effect, row.low, row.high)
            for row in judged.itertuples()
        ]
    )
    shown = shown.set_index(["statement", "architecture"])
    return shown[["against", "effect", "verdict", "n", "seeds"]].astype(object).fillna("–")


NAMES = {
    "shape_bias": "shape bias",
    "clean": "clean accuracy",
    "adversarial": "accuracy under attack",
    "corrupted": "accuracy on corrupted images",
}


def sentences(correlations: pd.DataFrame) -> str:
    """What ``measures.routes.correlations`` found, a line of Markdown each pair."""
    lines = []
    for row in correlations.itertuples():
        pair = f"{NAMES[row.x].capitalize()} and {NAMES[row.y]}"
        if pd.isna(row.low):
            lines.append(f"- {pair}: too few networks.")
            continue
        way = "go together" if row.low > 0 else "go against each other" if row.high < 0 else ""
        number = f"{row.correlation:.2f} [{row.low:.2f}, {row.high:.2f}], {row.n} points"
        lines.append(f"- {pair} {way or 'are not shown to go together'}: {number}.")
    return "\n".join(lines)


def beside(table: pd.DataFrame) -> pd.DataFrame:
    """Mixtures beside single networks (``measures.fusion.against_single``), in per cent."""
    names = {
        "weight": "weight of R", "shape_bias": "shape bias", "clean": "clean",
        "adversarial": "under attack", "corrupted": "corrupted", "single": "best single network",
        "single_clean": "its clean", "single_adversarial": "its under attack", "gain": "gain",
    }  # fmt: skip
    shown = table[["architecture", *names]].set_index("architecture")
    numbers = [c for c in names if c not in ("weight", "single")]
    shown = shown.assign(**{c: shown[c].astype(float).mul(100).round(1) for c in numbers})
    return shown.rename(columns=names)
