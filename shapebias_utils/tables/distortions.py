"""The paper's Table 3: accuracy on distorted images, ours beside its, and what is odd about it."""

from collections.abc import Mapping

import numpy as np
import pandas as pd

from ..distortions import get_distortion
from ..measures.distorted import IN_PAPER
from ..measures.statistics import outcomes
from ..results import reported
from . import listed, percent, verdict

TITLES = {"real": "Real", "adversarial": "Adversarial", "black_and_white": "B&W"}
KINDS = {"standard": "S", "control": "control", "robust": "R"}


def title_of(distortion: str) -> str:
    """What a distortion is called in tables and figures, "real" and "adversarial" too."""
    return TITLES.get(distortion) or get_distortion(distortion).title


def subset_sentences(subset: Mapping[str, pd.Index], n: int, lacking: Mapping[str, str]) -> str:
    """How many of `n` images the pairs label correctly, in Markdown.

    Then a line for each distortion that is left out, with what is `lacking` for it.
    """
    numbers = ", ".join(f"{architecture} {len(names)}" for architecture, names in subset.items())
    first = f"{n} images; labelled correctly by S and by R: {numbers}." if subset else verdict({})
    missing = [f"*{title_of(name)}* is left out: {why}." for name, why in lacking.items()]
    return "\n\n".join([first, *missing])


def table3(accuracies: pd.DataFrame) -> pd.DataFrame:
    """Accuracy in per cent with its interval: a row a distortion and architecture, S, control, R.

    `accuracies` as from ``measures.distorted.accuracy``; a column a training, `n` images, and what
    the paper has of S and R.
    """
    cells = [percent(row.accuracy, row.low, row.high) for row in accuracies.itertuples()]
    keys = ["distortion", "architecture"]
    shown = accuracies.assign(cell=cells)
    wide = shown.pivot(index=keys, columns="training", values="cell")
    order = shown.drop_duplicates(keys).sort_values(
        "distortion", key=lambda d: d.map(list(dict.fromkeys(d)).index), kind="stable"
    )
    wide = wide.reindex(pd.MultiIndex.from_frame(order[keys]))
    known = [t for t in (*KINDS, *wide.columns) if t in wide.columns]
    wide = wide[list(dict.fromkeys(known))].rename(columns=KINDS)
    wide["n"] = shown.groupby(keys)["n"].max().reindex(wide.index)
    paper = _paper().set_index(keys)
    for training in ("standard", "robust"):
        wide[f"paper {KINDS[training]}"] = [
            paper[training].get((IN_PAPER.get(d, d), a), float("nan")) for d, a in wide.index
        ]
    titles = [(title_of(d), a) for d, a in wide.index]
    wide.index = pd.MultiIndex.from_tuples(titles, names=["", "architecture"])
    return wide.rename_axis(columns=None)


def over_seeds(
    effects: pd.DataFrame, levels: pd.DataFrame, prefix: str = "accuracy: "
) -> pd.DataFrame:
    """The accuracies behind the effects in per cent, S, control and R: means over `seeds`.

    `effects` as from ``measures.statistics.effects``; of its quantities those with this prefix, of
    several seeds. A row a distortion and architecture; intervals are over images and over seeds.
    Where ``statistics.levels`` of the same networks are given, with the standard deviation over
    seeds.
    """
    mine = effects[effects["quantity"].str.startswith(prefix) & (effects["seeds"] > 1)]
    keys, cells = ["quantity", "architecture"], {}
    spread = levels.set_index([*keys, "training"])["sd"] if len(levels) else pd.Series()
    for row in mine.itertuples():
        at = cells.setdefault((row.quantity, row.architecture), {})
        for kind, value, *ends in (
            (row.against, row.versus, row.versus_low, row.versus_high),
            (row.training, row.value, row.value_low, row.value_high),
        ):
            sd = spread.get((row.quantity, row.architecture, kind))
            own = f"{100 * value:.1f} ± {100 * sd:.1f}" if sd is not None else percent(value)
            at[KINDS[kind]] = f"{own} [{percent(ends[0])}, {percent(ends[1])}]"
        at |= {"n": row.n, "seeds": row.seeds}
    table = pd.DataFrame.from_dict(cells, orient="index")
    if table.empty:
        return pd.DataFrame(columns=["n", "seeds"])
    columns = [*(k for k in KINDS.values() if k in table), "n", "seeds"]
    names = [(title_of(q.removeprefix(prefix)), a) for q, a in table.index]
    table.index = pd.MultiIndex.from_tuples(names, names=["", keys[1]])
    return table[columns]


def conclusion(effects: pd.DataFrame, prefix: str = "accuracy: ") -> str:
    """Where R leads and where it is behind, distortion by distortion: a Markdown list.

    `effects` as from ``measures.statistics.effects``: R's lead over S in points, and in how many of
    the comparisons with S and with the control it is ahead, or behind, by the rule of all
    notebooks. "" where nothing was compared.
    """
    mine = effects[effects["quantity"].str.startswith(prefix) & (effects["training"] == "robust")]
    mine = mine[mine["against"].isin(("standard", "control"))]
    mine = mine.assign(verdict=outcomes(mine, 1))
    lines = []
    for quantity, own in mine.groupby("quantity", sort=False):
        over_s = own[own["against"] == "standard"]
        leads = listed([f"{100 * effect:+.0f}" for effect in over_s["effect"]])
        counts = [(own["verdict"] == name).sum() for name in ("reproduced", "reversed")]
        said = f"R ahead in {counts[0]} and behind in {counts[1]} of {len(own)} comparisons"
        title = title_of(quantity.removeprefix(prefix))
        names = listed(list(over_s["architecture"]))
        lines.append(f"- **{title}**: R less S {leads} points ({names}); {said}.")
    return "\n".join(lines)


def _paper() -> pd.DataFrame:
    """Columns `distortion`, `architecture`, `standard` and `robust`."""
    keys = ["distortion", "architecture"]
    table = reported("table3_distortions")
    return table.pivot(index=keys, columns="training", values="accuracy").reset_index()


def table3_against_paper(differences: pd.DataFrame) -> pd.DataFrame:
    """S, R and R's lead over S, in points with its interval, and the paper's, in per cent.

    `differences` as from ``measures.distorted.differences``. A row a distortion and architecture.
    """
    paper, rows = _paper().set_index(["distortion", "architecture"]), []
    order = {name: i for i, name in enumerate(dict.fromkeys(differences["distortion"]))}
    grouped = differences.sort_values("distortion", key=lambda d: d.map(order), kind="stable")
    for row in grouped[grouped["distortion"] != "real"].itertuples():
        key = (IN_PAPER.get(row.distortion, row.distortion), row.architecture)
        s, r = (paper[kind].get(key, float("nan")) for kind in ("standard", "robust"))
        ours = (percent(row.S), percent(row.R), percent(row.difference, row.low, row.high))
        rows.append([title_of(row.distortion), row.architecture, *ours, s, r, round(r - s, 2)])
    columns = ["S", "R", "R - S", "paper S", "paper R", "paper R - S"]
    table = pd.DataFrame(rows, columns=["", "architecture", *columns])
    return table.set_index(["", "architecture"])


def times_as_accurate(differences: pd.DataFrame) -> str:
    """How many times as accurate S is as R on scrambled images, ours and in the paper: a sentence.

    `differences` as from ``measures.distorted.differences``; "" where nothing was scrambled.
    """
    own = differences[differences["distortion"].map(lambda d: IN_PAPER.get(d, d)) == "scramble"]
    if own.empty:
        return ""
    known = _paper().query("distortion == 'scramble'").set_index("architecture")
    ours, theirs = (
        ", ".join(f"{ratio:.2f}" if np.isfinite(ratio) else "–" for ratio in ratios)
        for ratios in (own["S"] / own["R"], known["standard"] / known["robust"])
    )
    names = listed(list(own["architecture"]))
    return f"On scrambled images S is {ours} times as accurate as R ({names}); paper: {theirs}."


def table3_audit() -> str:
    """What is to be known about the numbers of the paper's Table 3: a Markdown list."""
    notes = reported("table3_audit")
    lines = [f"- **{row.column} {row.title}** {row.note}." for row in notes.itertuples()]
    return "\n".join(lines)
