"""The paper's Table 3: accuracy on distorted images, ours beside its, and what is odd about it."""

from collections.abc import Mapping

import numpy as np
import pandas as pd

from ..distortions import get_distortion
from ..results import reported
from . import listed, percent, verdict

TITLES = {"real": "Real", "adversarial": "Adversarial"}
PAPERS = {"scramble_paper": "scramble", "black_and_white_untraced": "black_and_white"}
"""Distortion -> the one of the paper's Table 3 that it stands beside, where names differ."""


def title_of(distortion: str) -> str:
    """What a distortion is called in tables and figures, "real" and "adversarial" too."""
    return TITLES.get(distortion) or get_distortion(distortion).title


def subset_sentences(
    subset: Mapping[str, pd.Index], shown: Mapping[str, pd.Index], lacking: Mapping[str, str]
) -> str:
    """How many images the pairs label correctly and how many of them are shown, in Markdown.

    Then a line for each distortion that is left out, with what is `lacking` for it.
    """
    numbers = ", ".join(f"{a} {len(names)}, {len(shown[a])}" for a, names in subset.items())
    first = (
        f"Correctly labelled by S and by R, and shown here: {numbers}" if subset else verdict({})
    )
    missing = [f"*{title_of(name)}* is left out: {why}." for name, why in lacking.items()]
    return "\n\n".join([first, *missing])


def table3(accuracies: pd.DataFrame) -> pd.DataFrame:
    """Accuracy in per cent with its interval: a row a network, a column a distortion.

    `accuracies` as from ``measures.distorted.accuracy``.
    """
    cells = [percent(row.accuracy, row.low, row.high) for row in accuracies.itertuples()]
    networks, distortions = (list(dict.fromkeys(accuracies[c])) for c in ("network", "distortion"))
    wide = accuracies.assign(cell=cells).pivot(index="network", columns="distortion", values="cell")
    wide = wide.reindex(index=networks, columns=distortions).rename(columns=title_of)
    return wide.rename_axis(index=None, columns=None)


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
        key = (PAPERS.get(row.distortion, row.distortion), row.architecture)
        s, r = (paper[kind].get(key, float("nan")) for kind in ("standard", "robust"))
        ours = (percent(row.S), percent(row.R), percent(row.difference, row.low, row.high))
        rows.append([title_of(row.distortion), row.architecture, *ours, s, r, round(r - s, 2)])
    columns = ["S", "R", "R - S", "paper S", "paper R", "paper R - S"]
    table = pd.DataFrame(rows, columns=["", "architecture", *columns])
    return table.set_index(["", "architecture"])


def table3_verdicts(differences: pd.DataFrame) -> str:
    """Where R is ahead of S and where behind, ours and in the paper: a Markdown list.

    R counts as ahead or behind if the interval of the difference does not contain 0. Of scrambled
    images also how many times as accurate S is.
    """
    if differences.empty:
        return "There is no S/R pair among these networks, so there is nothing to compare."
    paper, lines = _paper(), []
    distorted = differences[differences["distortion"] != "real"]
    for name, own in distorted.groupby("distortion", sort=False):
        leads = {
            row.architecture: 1 if row.low > 0 else -1 if row.high < 0 else 0
            for row in own.itertuples()
        }
        known = paper[paper["distortion"] == PAPERS.get(name, name)].set_index("architecture")
        line = f"- **{title_of(name)}**: {_who_leads(leads)}"
        if len(known):
            signs = np.sign(known["robust"] - known["standard"])
            line += f"; paper: {_who_leads(signs.to_dict())}"
        if PAPERS.get(name, name) == "scramble":
            ours, theirs = (
                ", ".join(f"{ratio:.2f}" if np.isfinite(ratio) else "–" for ratio in ratios)
                for ratios in (own["S"] / own["R"], known["standard"] / known["robust"])
            )
            line += f". S is {ours} times as accurate as R; paper: {theirs}"
        lines.append(f"{line}.")
    return "\n".join(lines)


def _who_leads(leads: Mapping[str, float]) -> str:
    said = {1: "R is ahead of S for", -1: "R is behind S for", 0: "no clear difference for"}
    found = {sign: [a for a, lead in leads.items() if lead == sign] for sign in said}
    return ", ".join(f"{said[sign]} {listed(who)}" for sign, who in found.items() if who)


def table3_audit() -> str:
    """What is to be known about the numbers of the paper's Table 3: a Markdown list."""
    notes = reported("table3_audit")
    lines = [f"- **{row.column} {row.title}** {row.note}." for row in notes.itertuples()]
    return "\n".join(lines)
