"""Routes to a shape bias: does it make a network robust, or robustness a shape bias?

One point a network and seed: shape bias, accuracy on clean, attacked and corrupted images; and how
these go together over the points.
"""

from collections.abc import Iterator, Sequence

import numpy as np
import pandas as pd
from scipy.stats import rankdata

from ..datasets import Dataset, ImageSet
from ..distortions import distorted
from ..distortions.imagenet_c import MAIN, there
from ..networks import Network, networks_there
from ..results import store, stored
from .predictions import collect, collect_each
from .schema import OBSERVER, with_cues

CLEAN = 256
"""Clean images a network."""

ATTACKED = 64
"""Images under attack a network, each of which costs thirty clean ones."""

CORRUPTED = 32
"""Images in each of ImageNet-C's 15 corruptions, at the severity in the middle."""

SEVERITY = 3

AT_ONCE = 4
"""Networks that :func:`keep_points` measures before it writes: corrupted images are made once for
them."""

PAIRS = (
    ("shape_bias", "clean"), ("shape_bias", "adversarial"), ("shape_bias", "corrupted"),
    ("adversarial", "corrupted"),
)  # fmt: skip
"""What is held against what."""


def whole_images(data: Dataset, n: int | None = None) -> ImageSet:
    """The last of the dataset's subsets of the validation images (whole objects), or `n` of them
    spread over it."""
    name, query = list(data.subsets.items())[-1]
    whole = data.images("validation").where(query, f"validation_{name.replace(' ', '_')}")
    if n is None or n >= len(whole):
        return whole
    rows = np.linspace(0, len(whole) - 1, n).round().astype(int)
    return whole.subset(rows, f"{whole.name}_{n}")


def observations(
    networks: Sequence[Network],
    data: Dataset,
    clean: int = CLEAN,
    attacked: int = ATTACKED,
    corrupted: int = CORRUPTED,
) -> pd.DataFrame:
    """An observation table (``measures.statistics``) of "shape bias" and of "accuracy: clean",
    "accuracy: adversarial" (the dataset's attack), "accuracy: corrupted" and, of these, "accuracy:
    noise", a row a network and image (and corruption). From cached responses.
    """
    cues = with_cues(collect(networks, data.images("cue_conflict")))
    decided = cues["decided"].isin(["shape", "texture"]).astype(float)
    shape = (cues["decided"] == "shape").astype(float)
    tables = [_rows(cues, "shape bias", shape, decided)]
    few = whole_images(data, attacked)
    jobs = {
        "accuracy: clean": collect(networks, whole_images(data, clean)),
        "accuracy: adversarial": collect(networks, few, (data.attack,)),
    }
    for quantity, trials in jobs.items():
        tables.append(_rows(trials, quantity, trials["correct"].astype(float)))
    trials = on_corruptions(networks, data, corrupted)
    tables.append(_rows(trials, "accuracy: corrupted", trials["correct"].astype(float)))
    noisy = trials[trials["corruption"].isin(MAIN[:3])]
    tables.append(_rows(noisy, "accuracy: noise", noisy["correct"].astype(float)))
    return pd.concat(tables, ignore_index=True)


def on_corruptions(networks: Sequence[Network], data: Dataset, n: int) -> pd.DataFrame:
    """Trials on `n` whole images in each of the 15 corruptions that are there; `corruption` says in
    which.

    Image names are made unique by the corruption's name in front.
    """
    few, sets = whole_images(data, n), {}
    for name in there(data, MAIN):
        sets[name] = (
            data.corrupted(name, SEVERITY).where(
                f"imagename in {few.table['imagename'].tolist()}", f"{few.name}-{name}"
            )
            if data.corrupted
            else distorted(data, few, name, SEVERITY, 0)
        )
    found = collect_each(networks, sets, ["corruption"])
    return found.assign(imagename=found["corruption"] + "/" + found["imagename"])


def _rows(
    trials: pd.DataFrame, quantity: str, value: pd.Series, weight: pd.Series | float = 1.0
) -> pd.DataFrame:
    table = trials[OBSERVER].assign(quantity=quantity, unit=trials["imagename"], value=value)
    return table.assign(weight=weight)


COLUMNS = {
    "shape bias": "shape_bias",
    "accuracy: clean": "clean",
    "accuracy: adversarial": "adversarial",
    "accuracy: corrupted": "corrupted",
    "accuracy: noise": "noisy",
}
"""Quantity -> its column in a table of points."""

POINTS = tuple(COLUMNS.values())


def points(observations: pd.DataFrame) -> pd.DataFrame:
    """One row a network and seed, a column each of `COLUMNS`."""
    sums = observations.groupby([*OBSERVER, "quantity"], sort=False)[["value", "weight"]].sum()
    wide = (sums["value"] / sums["weight"]).unstack("quantity")
    wide = wide.reindex(columns=list(COLUMNS)).rename(columns=COLUMNS)
    return wide.rename_axis(columns=None).reset_index()


def kept_points(dataset: str) -> pd.DataFrame:
    """The points that :func:`keep_points` kept, and those along the eps of training (the study of
    that name); empty where there are none.

    Of networks whose weights are here, only as they are now; of seeds that are not shipped, all.
    """
    kept = _as_now(stored(dataset, "routes"), dataset)
    if not kept.empty:
        kept = kept.drop(columns="weights")
    along = stored(dataset, "eps_curve")
    if not along.empty:
        along = along[~along["network"].str.contains("-R$|-control$")]
        names = "L2 eps " + along["eps"].map("{:g}".format)
        along = along.assign(training=names, network=along["architecture"] + " " + names)
        kept = pd.concat([kept, along[[*OBSERVER, *POINTS[:3]]]], ignore_index=True)
    return kept


def keep_points(networks: Sequence[Network], data: Dataset) -> pd.DataFrame:
    """The points of these networks, measured where they are not kept yet; kept with the repository
    as ``data/results/<dataset>/routes.csv``, with the first digits of the weights' hash."""
    kept = _as_now(stored(data.name, "routes"), data.name)
    if not kept.empty:
        known = set(zip(kept["network"], kept["seed"], strict=True))
        networks = [n for n in networks if (n.name, n.seed) not in known]
    weights = {(n.name, n.seed): n.checkpoint_hash()[:16] for n in networks}
    for some in _batched(networks, AT_ONCE):
        found = points(observations(some, data))
        keys = zip(found["network"], found["seed"], strict=True)
        found = found.assign(weights=[weights[key] for key in keys])
        kept = pd.concat([kept, found], ignore_index=True)
        store(kept, data.name, "routes", {"quantities": COLUMNS})
    return kept


def _as_now(kept: pd.DataFrame, dataset: str) -> pd.DataFrame:
    """The kept rows without those of networks that are here with other weights."""
    if kept.empty:
        return kept
    there = {(n.name, n.seed): n for n in networks_there(dataset, set(kept["seed"]))}
    keys = list(zip(kept["network"], kept["seed"], strict=True))
    now = [there[key].checkpoint_hash()[:16] if key in there else None for key in keys]
    return kept[[n in (None, w) for n, w in zip(now, kept["weights"], strict=True)]]


def _batched(networks: Sequence[Network], size: int) -> Iterator[Sequence[Network]]:
    """The networks, so many at a time."""
    for first in range(0, len(networks), size):
        yield networks[first : first + size]


def with_kept(points: pd.DataFrame, kept: pd.DataFrame) -> pd.DataFrame:
    """The points and, behind them, those kept of other networks and seeds."""
    both = pd.concat([points, kept], ignore_index=True)
    return both.drop_duplicates(["network", "seed"], ignore_index=True)


def correlations(
    points: pd.DataFrame,
    pairs: Sequence[tuple[str, str]] = PAIRS,
    draws: int = 2000,
    seed: int = 0,
) -> pd.DataFrame:
    """Spearman's rank correlation of each pair of columns over the points.

    Columns `x`, `y`, `correlation`, its 95 % interval `low`, `high` and `n` points. Seeds of one
    network are no independent points, so the interval draws networks again with replacement, each
    with all its seeds. Missing for fewer than four networks.
    """
    rows = []
    for x, y in pairs:
        known = points.dropna(subset=[x, y])
        groups = list(known.groupby(["network"], sort=False).indices.values())
        if len(groups) < 4:
            rows.append((x, y, np.nan, np.nan, np.nan, len(known)))
            continue
        values = known[[x, y]].to_numpy(float)
        rng, found = np.random.default_rng(seed), []
        for _ in range(draws):
            drawn = np.concatenate([groups[i] for i in rng.integers(len(groups), size=len(groups))])
            found.append(_spearman(values[drawn]))
        low, high = np.nanquantile(found, [0.025, 0.975])
        rows.append((x, y, _spearman(values), low, high, len(known)))
    return pd.DataFrame(rows, columns=["x", "y", "correlation", "low", "high", "n"])


def _spearman(values: np.ndarray) -> float:
    """Rank correlation of two columns; nan where one is constant."""
    ranks = np.apply_along_axis(rankdata, 0, values)
    ranks = ranks - ranks.mean(0)
    size = np.sqrt((ranks**2).sum(0).prod())
    return float((ranks[:, 0] * ranks[:, 1]).sum() / size) if size else np.nan
