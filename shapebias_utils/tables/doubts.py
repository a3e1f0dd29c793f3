"""The doubts since the paper as a reader sees them: one by one, and on all datasets."""

from collections.abc import Sequence

import pandas as pd

from ..claims import doubts as records
from ..claims import elsewhere, judged
from ..measures import psychometric
from ..measures.schema import OBSERVER
from ..networks import Network
from ..results import stored
from . import percent


def beside(own: pd.DataFrame, stem: str, dataset: str) -> pd.DataFrame:
    """The table and, behind it, those that notebooks saved under that stem on other datasets.

    In the column `dataset` whose rows they are; the `architecture` of the others is followed by
    it: "AlexNet (tiny_imagenet)".
    """
    others = [
        table.assign(architecture=table["architecture"] + f"\n({name})", dataset=name)
        for name, table in elsewhere(stem, dataset).items()
    ]
    return pd.concat([own.assign(dataset=dataset), *others], ignore_index=True)


def other_hybrids(dataset: str) -> dict[str, tuple[pd.DataFrame, pd.DataFrame]]:
    """Shares decided by low frequencies, and crossovers, on other images, by what these are called.

    Of the trained networks of the other datasets on which the notebook has been run, and of what
    is kept of the photographs of the stimuli's categories.
    """
    crossovers = elsewhere("11_crossover", dataset)
    found = {
        name: (table[table["training"].isin(TRAINED)], crossovers[name])
        for name, table in elsewhere("11_frequency_conflict", dataset).items()
        if name in crossovers
    }
    kept = stored("imagenet", "hybrid_photographs")
    if len(kept):
        title = f"{kept['network'].iloc[0]}, photographs"
        found[title] = psychometric.curves(kept), psychometric.balance(kept)
    return found


TRAINED = ("standard", "robust", "control")
"""The networks that have learnt something."""

SENSITIVITY = (
    "decided by shape", "decided by texture", "reciprocal rank of shape",
    "reciprocal rank of texture", "right by shape alone", "right by texture alone",
)  # fmt: skip
"""How far each cue is read: quantities of ``evidence.doubts``."""

IDLE = ("shape bias", "coverage", "decided by shape", "decided by texture")
"""What a network that has learnt nothing has too."""


def by_network(levels: pd.DataFrame, quantities: Sequence[str]) -> pd.DataFrame:
    """These quantities in per cent with their intervals, a row a network.

    `levels` as from ``statistics.levels``.
    """
    own = levels[levels["quantity"].isin(quantities)]
    cells = [percent(r.value, r.low, r.high) if r.value == r.value else "–"
             for r in own.itertuples()]  # fmt: skip
    wide = own.assign(cell=cells).pivot(index="network", columns="quantity", values="cell")
    known = [q for q in quantities if q in wide]
    return wide.reindex(index=list(dict.fromkeys(own["network"])), columns=known).fillna("–")


def crossings(balance: pd.DataFrame | None, networks: Sequence[Network]) -> pd.DataFrame:
    """Where both cues weigh the same, with its interval: a row a network, a column an axis.

    `balance` as from ``psychometric.balance``; empty where there is none. *inf* is beyond what was
    drawn.
    """
    if balance is None or balance.empty:
        return pd.DataFrame()
    wanted = [(n.name, n.seed) for n in networks]
    own = balance[[key in wanted for key in zip(balance["network"], balance["seed"], strict=True)]]
    cells = [f"{r.level:.3g} [{r.low:.3g}, {r.high:.3g}]" for r in own.itertuples()]
    wide = own.assign(cell=cells).pivot(index="network", columns="axis", values="cell")
    return wide.reindex(dict.fromkeys(own["network"])).rename_axis(columns="both weigh the same at")


def doubts(verdicts: pd.DataFrame, dataset: str) -> pd.DataFrame:
    """Doubt, experiment, effect and verdict: a row a doubt, from ``claims.judged("11", ...)``.

    The effect of each claim in points, R less S (or less the number it is held against), with its
    interval: of each architecture. Behind the verdict those on the other datasets on which the
    notebook has been run.
    """
    settled = records.settled(verdicts)
    effects = []
    for doubt in records.DOUBTS:
        own = verdicts[verdicts["claim"].isin(doubt.claims)].dropna(subset="effect")
        own = own[own["against"] != "control"]
        effects.append("; ".join(_effect(row) for row in own.itertuples()) or "–")
    table = settled.assign(effect=effects)
    table = table[["doubt", "experiment", "effect", "outcomes", "n", "seeds", "verdict"]]
    for name, found in elsewhere("11_effects", dataset).items():
        other = records.settled(judged("11", name, found))
        tested = other["outcomes"] != "not tested"
        table[f"on {name}"] = other["verdict"].where(tested, "not tested")
    return table


def _effect(row: object) -> str:
    return f"{row.architecture} {percent(row.effect, row.low, row.high)}"


def consistency_groups(trials: pd.DataFrame) -> dict[str, list[tuple[tuple, tuple]]]:
    """Which networks are compared with which: of one training and seed, and S with R of one
    architecture. For ``measures.doubts.consistency.pairwise``."""
    about = trials[OBSERVER].drop_duplicates()
    groups: dict[str, list[tuple[tuple, tuple]]] = {}
    names = {"standard": "S", "robust": "R", "control": "control", "untrained": "untrained"}
    records_ = [tuple(r) for r in about[OBSERVER].itertuples(index=False)]
    for training, name in names.items():
        own = [r for r in records_ if r[2] == training]
        groups[f"{name} with {name}"] = [
            ((a[0], a[3]), (b[0], b[3]))
            for i, a in enumerate(own) for b in own[i + 1 :] if a[3] == b[3]
        ]  # fmt: skip
    for other in ("control", "robust"):
        name = f"S with its {names[other]}"
        groups[name] = [
            ((a[0], a[3]), (b[0], b[3])) for a in records_ for b in records_
            if (a[1], a[3]) == (b[1], b[3]) and (a[2], b[2]) == ("standard", other)
        ]  # fmt: skip
    return groups
