"""The claims of both papers, each a record with a rule, judged from stored tables alone.

A claim names a quantity of a notebook's effects (``measures.statistics.effects``) and the side on
which the paper has it, fixed here before anything is measured. The verdict is that of the one rule,
``statistics.outcomes``. One file a notebook, each with `CLAIMS`; no network is run.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from importlib import import_module

import pandas as pd

from ..datasets import dataset_names
from ..measures.evidence import EVIDENCE
from ..measures.statistics import EFFECTS, OUTCOMES, outcomes
from ..paths import FIGURES, ROOT

KEPT = ROOT / "figures"
"""What is kept with the repository, wherever new figures go."""

PAPERS = {
    "shape_simplicity": "Chen, Agarwal & Nguyen",
    "interpreting_at": "Zhang & Zhu 2019",
    "after": "criticism since",
}


@dataclass(frozen=True)
class Claim:
    """A claim, and the rule by which it is judged.

    `quantity` names rows of the notebook's effects; `expected` is 1 where the claim puts `training`
    above what it is held `against` (other trainings, or a constant's text such as "0.5"), -1 where
    below. `published` says what the paper printed, `caveat` what the measure cannot tell. `figure`
    is the stem of what to look at.
    """

    key: str
    statement: str
    paper: str
    section: str
    notebook: str
    quantity: str
    expected: int
    training: str = "robust"
    against: tuple[str, ...] = ("standard", "control")
    figure: str = ""
    published: str = ""
    caveat: str = ""


LEDGER = (
    "claim", "statement", "paper", "section", "notebook", "figure", "dataset", "architecture",
    "against", "effect", "low", "high", "n", "seeds", "verdict",
)  # fmt: skip


def claims(notebook: str = "") -> list[Claim]:
    """All claims, or those of one notebook, in the notebooks' order.

    ValueError if two have one key.
    """
    found: list[Claim] = []
    for number, topic in sorted(EVIDENCE.items()):
        if notebook in ("", number):
            found += import_module(f".{topic}", __name__).CLAIMS
    keys = [claim.key for claim in found]
    if len(set(keys)) < len(keys):
        raise ValueError(f"two claims are called {next(k for k in keys if keys.count(k) > 1)!r}")
    return found


def judged(notebook: str, dataset: str, effects: pd.DataFrame | None) -> pd.DataFrame:
    """The verdicts on a notebook's claims: a row a claim, architecture and comparison (`LEDGER`).

    `effects` as from ``statistics.effects``; None, or without a claim's quantity: one row, "not
    tested".
    """
    rows = [_verdicts(claim, dataset, effects) for claim in claims(notebook)]
    return pd.concat(rows, ignore_index=True) if rows else pd.DataFrame(columns=list(LEDGER))


def _verdicts(claim: Claim, dataset: str, effects: pd.DataFrame | None) -> pd.DataFrame:
    mine = pd.DataFrame(columns=list(EFFECTS)) if effects is None else effects
    mine = mine[
        (mine["quantity"] == claim.quantity)
        & (mine["training"] == claim.training)
        & mine["against"].astype(str).isin(claim.against)
    ]
    if mine.empty:
        mine = pd.DataFrame([{"architecture": "", "against": claim.against[0]}]).reindex(
            columns=list(EFFECTS)
        )
        mine = mine.assign(verdict=OUTCOMES[-1])
    else:
        mine = mine.assign(verdict=outcomes(mine, claim.expected))
    facts = {f: getattr(claim, f) for f in LEDGER[1:6]}
    return mine.assign(claim=claim.key, dataset=dataset, **facts)[list(LEDGER)]


def saved(stem: str, dataset: str) -> pd.DataFrame | None:
    """The table that a notebook saved under that stem on that dataset; None if it has not been run.

    Where figures go elsewhere (SHAPEBIAS_FIGURES), those that are kept with the repository stand in
    for what has not been run there.
    """
    for folder in (FIGURES, KEPT):
        path = folder / dataset / f"{stem}.csv"
        if path.exists():
            return pd.read_csv(path, dtype={"against": str})
    return None


def elsewhere(stem: str, dataset: str) -> dict[str, pd.DataFrame]:
    """What notebooks :func:`saved` under that stem on all datasets but this one, by their names.

    Of a table with a column `dataset`, which shows others besides, the dataset's own rows.
    """
    found = {}
    for name in dataset_names():
        table = saved(stem, name) if name != dataset else None
        if table is not None:
            own = table["dataset"] == name if "dataset" in table else table.index >= 0
            found[name] = table[own].drop(columns="dataset", errors="ignore")
    return found


def stored_effects(notebook: str, dataset: str) -> pd.DataFrame | None:
    """The effects that the notebook saved on that dataset; None if it has not been run."""
    return saved(f"{notebook}_effects", dataset)


def ledger(datasets: Iterable[str]) -> pd.DataFrame:
    """The verdicts on all claims on these datasets (`LEDGER`), from what the notebooks saved.

    A pure function of ``figures/<dataset>/NN_effects.csv``: what has not been run is "not tested".
    """
    tables = [
        judged(number, dataset, stored_effects(number, dataset))
        for dataset in datasets
        for number in sorted(EVIDENCE)
    ]
    return pd.concat(tables, ignore_index=True) if tables else pd.DataFrame(columns=list(LEDGER))


def counted(verdicts: pd.DataFrame) -> pd.DataFrame:
    """How often each claim came to each outcome: a row a claim, dataset and comparison.

    Columns `claim`, `statement`, `paper`, `section`, `notebook`, `figure`, `dataset`, `against`,
    `outcomes` ("reproduced 2 of 3, undecided 1"), `mean effect`.
    """
    keys = ["claim", "statement", "paper", "section", "notebook", "figure", "dataset", "against"]
    rows = []
    for key, own in verdicts.groupby(keys, sort=False):
        rows.append((*key, summed(own["verdict"]), own["effect"].mean()))
    return pd.DataFrame(rows, columns=[*keys, "outcomes", "mean effect"])


def summed(verdicts: pd.Series) -> str:
    """Several verdicts in words: "reproduced 2 of 3, undecided 1"; "not tested" if none was."""
    counts = verdicts.value_counts()
    counts = counts.reindex([o for o in OUTCOMES if o in counts])
    if list(counts.index) == [OUTCOMES[-1]]:
        return OUTCOMES[-1]
    first, *others = counts.items()
    words = [f"{first[0]} {first[1]} of {len(verdicts)}"]
    return ", ".join(words + [f"{name} {count}" for name, count in others])
