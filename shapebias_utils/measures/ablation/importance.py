"""What the scores of channels say together: by concept, against chance, and which stand out.

All functions take the table of ``study.scored`` with labels, as :func:`with_labels` joins them.
"""

import numpy as np
import pandas as pd
from scipy.stats import norm, rankdata

from ..dissection.detectors import unit_labels
from ..schema import OBSERVER

CUES = ("shape", "texture")
QUANTITIES = ("score", "share", "margin")
UNLABELLED = "none"


def with_labels(scores: pd.DataFrame, dissected: pd.DataFrame | None = None) -> pd.DataFrame:
    """The scores with each channel's `concept`, `category` ("none" without) and `iou`.

    Labels are those of ``detectors.unit_labels``, whatever their IoU, as in the paper's figures.
    `shape_share` and `texture_share` are the scores as shares of the images decided by that cue:
    a network that decides few images by shape can lose few of them. No channel has a label where
    nothing was `dissected`.
    """
    keys = [*OBSERVER, "layer", "unit"]
    if dissected is None:
        table = scores.assign(concept=None, category=None, iou=np.nan)
    else:
        labels = unit_labels(dissected)[[*keys, "concept", "category", "iou"]]
        table = scores.merge(labels, on=keys, how="left", validate="one_to_one")
    table["category"] = table["category"].fillna(UNLABELLED)
    for cue in CUES:
        table[f"{cue}_share"] = table[f"{cue}_score"] / table[cue].where(table[cue] > 0)
    return table


def by_category(table: pd.DataFrame, draws: int = 1000, seed: int = 0) -> pd.DataFrame:
    """Mean of all channels and of those of each category (Fig. 8), beside layer-matched chance.

    A row for each network, `category` ("all" first, alone where no channel is labelled), `cue` and
    `quantity` ("score"; "share" of the images decided by that cue; "margin"): the mean `value` of
    its `n` channels, the 95 % interval `low`, `high` from resampling the channels, and
    `random_low`, `random_high`, which hold 95 % of the means of random sets of channels, as many
    from each layer. `excess` is the value less the mean of these sets, `p` the two-sided
    probability that a random set is as far from it.
    """
    rows = []
    for observer, own in table.groupby(OBSERVER, sort=False):
        own = own.reset_index(drop=True)
        columns = [f"{cue}_{quantity}" for cue in CUES for quantity in QUANTITIES]
        values = own[columns].to_numpy(float)
        groups = {"all": np.arange(len(own))}
        if not own["category"].eq("none").all():
            groups |= own.groupby("category").indices
        for category, members in groups.items():
            rng = np.random.default_rng(seed)
            resampled = values[rng.choice(members, (draws, len(members)))].mean(1)
            drawn = values[_alike(own["layer"], members, draws, rng)].mean(1)
            means, centre = values[members].mean(0), drawn.mean(0)
            bounds = np.quantile(resampled, [0.025, 0.975], 0)
            chance = np.quantile(drawn, [0.025, 0.975], 0)
            as_far = np.abs(drawn - centre) >= np.abs(means - centre) - 1e-12
            p = (1 + as_far.sum(0)) / (1 + draws)
            for i, column in enumerate(columns):
                cue, quantity = column.split("_")
                found = means[i], *bounds[:, i], *chance[:, i], means[i] - centre[i], p[i]
                rows.append((*observer, category, cue, quantity, *found, len(members)))
    names = ["value", "low", "high", "random_low", "random_high", "excess", "p", "n"]
    return pd.DataFrame(rows, columns=[*OBSERVER, "category", "cue", "quantity", *names])


def above_layers(table: pd.DataFrame, column: str) -> pd.Series:
    """A column less its mean over the channels of the same network and layer.

    Its mean over a category is how far that is above random channels of the same layers.
    """
    return table[column] - table.groupby([*OBSERVER, "layer"])[column].transform("mean")


def significant(table: pd.DataFrame) -> pd.DataFrame:
    """How many channels matter for which cue: by the margins, and as far as flips can tell.

    A row a network: of its `n` channels those whose removal lowers the margin of "both" cues, of
    shape alone (`shape only`), of texture alone, or of the one while it raises the other's
    (`opposed`); `raises` neither less, at least one more; and `none`. A margin counts as changed
    where its mean over the images is so far from 0 that this comes by chance in fewer than 5 % of
    networks without any such channel (Bonferroni over the channels and both cues). `flips both`:
    channels that turn at least one decision of either kind.
    """
    rows = []
    for observer, own in table.groupby(OBSERVER, sort=False):
        far = norm.isf(0.025 / (2 * len(own)))
        signs = []
        for cue in CUES:
            mean, error = own[f"{cue}_margin"].to_numpy(), own[f"{cue}_margin_se"].to_numpy()
            signs.append(np.where(np.abs(mean) > far * error, np.sign(mean), 0))
        shape, texture = signs
        found = {
            "both": (shape > 0) & (texture > 0),
            "shape only": (shape > 0) & (texture == 0),
            "texture only": (shape == 0) & (texture > 0),
            "opposed": shape * texture < 0,
            "raises": (shape + texture < 0) & (shape * texture >= 0),
            "none": (shape == 0) & (texture == 0),
            "flips both": (own["shape_score"] > 0) & (own["texture_score"] > 0),
        }
        rows.append((*observer, *(int(own_.sum()) for own_ in found.values()), len(own)))
    return pd.DataFrame(rows, columns=[*OBSERVER, *SIGNIFICANT, "n"])


SIGNIFICANT = (
    "both", "shape only", "texture only", "opposed", "raises", "none", "flips both",
)  # fmt: skip


def _alike(layers: pd.Series, members: np.ndarray, draws: int, rng) -> np.ndarray:
    """Random sets ``(draws, len(members))`` of channels, as many of each layer as the members."""
    sets = []
    for layer, n in layers.iloc[members].value_counts(sort=False).items():
        pool = (layers == layer).to_numpy().nonzero()[0]
        order = rng.random((draws, len(pool))).argsort(1)
        sets.append(pool[order[:, :n]])
    return np.concatenate(sets, 1)


def correlation(
    table: pd.DataFrame, category: str = "texture", draws: int = 1000, seed: int = 0
) -> pd.DataFrame:
    """Spearman's rank correlation of a score with IoU among the detectors of a category.

    A row a network and `cue`: `rho` with its 95 % bootstrap interval `low`, `high` over the `n`
    detectors. nan where there are fewer than three, or all have one score.
    """
    rows = []
    for observer, own in table.groupby(OBSERVER, sort=False):
        mine = own[own["category"] == category]
        for cue in CUES:
            x, y = (mine[c].to_numpy(float) for c in ("iou", f"{cue}_score"))
            rho, low, high = np.nan, np.nan, np.nan
            if len(x) > 2:
                again = np.random.default_rng(seed).integers(0, len(x), (draws, len(x)))
                rho, rhos = _spearman(x[None], y[None])[0], _spearman(x[again], y[again])
                if not np.isnan(rho):
                    low, high = np.nanquantile(rhos, [0.025, 0.975])
            rows.append((*observer, cue, rho, low, high, len(x)))
    return pd.DataFrame(rows, columns=[*OBSERVER, "cue", "rho", "low", "high", "n"])


def _spearman(x: np.ndarray, y: np.ndarray) -> np.ndarray:
    """Spearman's rho of each row of x with that of y; nan where one of them is constant."""
    x, y = (rankdata(v, axis=1) for v in (x, y))
    x, y = (v - v.mean(1, keepdims=True) for v in (x, y))
    with np.errstate(invalid="ignore"):
        return (x * y).sum(1) / np.sqrt((x**2).sum(1) * (y**2).sum(1))


def most_important(table: pd.DataFrame) -> pd.DataFrame:
    """The channel of the highest score of each network, layer and `cue`, the first of equals."""
    tables = []
    for cue in CUES:
        first = table.sort_values(f"{cue}_score", ascending=False, kind="stable")
        first = first.drop_duplicates([*OBSERVER, "layer"]).sort_index()
        tables.append(first.assign(cue=cue))
    columns = [*OBSERVER, "layer", "cue", "unit", "shape_score", "texture_score"]
    found = pd.concat(tables).sort_index(kind="stable").reset_index(drop=True)
    return found[[*columns, "concept", "category", "iou"]]


def examples(table: pd.DataFrame, category: str = "texture", last: int = 2) -> pd.DataFrame:
    """Detectors of a category to look at, chosen by rule as the paper's Figures A6, A7 and A8 are.

    From the `last` probed layers of each architecture's S and R, as the paper's are. `figure` "A6"
    and "A7" of S and of R: the highest smaller one of the two scores ("both cues" in `role`); "A8",
    of S: the largest excess of the Texture over the Shape score ("texture"). The first of equals.
    """
    tables = [table.iloc[:0].assign(figure="", role="")]
    for (_, training, _), own in table.groupby(["network", "training", "seed"], sort=False):
        own = own[own["layer"].isin(own["layer"].unique()[-last:]) & (own["category"] == category)]
        if own.empty or training not in ("standard", "robust"):
            continue
        pair = own[["shape_score", "texture_score"]]
        both, texture = pair.min(axis=1), pair["texture_score"] - pair["shape_score"]
        rules = {"A6" if training == "standard" else "A7": ("both cues", both)}
        if training == "standard":
            rules["A8"] = "texture", texture
        for figure, (role, value) in rules.items():
            tables.append(own.loc[[value.idxmax()]].assign(figure=figure, role=role))
    return pd.concat(tables, ignore_index=True)
