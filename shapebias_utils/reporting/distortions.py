"""The paper's Table 3: accuracy on distorted images, ours beside its, and what is odd about it."""

import pandas as pd

from ..distortions import get_distortion
from ..results import reported
from . import percent

TITLES = {"real": "Real", "adversarial": "Adversarial"}
PAPERS = {"black_and_white_untraced": "black_and_white", "silhouette_white": "silhouette"}
"""Distortion -> the one of the paper's Table 3 that it stands beside, where names differ."""


def title_of(distortion: str) -> str:
    """What a distortion is called in tables and figures, "real" and "adversarial" too."""
    return TITLES.get(distortion) or get_distortion(distortion).title


def table3(accuracies: pd.DataFrame) -> pd.DataFrame:
    """Accuracy in per cent with its interval: a row a network, a column a distortion.

    `accuracies` as from ``measures.distortions.accuracy``.
    """
    cells = [percent(row.accuracy, row.low, row.high) for row in accuracies.itertuples()]
    networks, distortions = (list(dict.fromkeys(accuracies[c])) for c in ("network", "distortion"))
    wide = accuracies.assign(cell=cells).pivot(index="network", columns="distortion", values="cell")
    wide = wide.reindex(index=networks, columns=distortions).rename(columns=title_of)
    return wide.rename_axis(index=None, columns=None)


def table3_against_paper(differences: pd.DataFrame) -> pd.DataFrame:
    """S, R and R's lead over S, in points with its interval, and the paper's, in per cent.

    `differences` as from ``measures.distortions.differences``. A row a distortion and architecture.
    """
    paper = reported("table3_distortions").pivot(
        index=["distortion", "architecture"], columns="training", values="accuracy"
    )
    rows = []
    for row in differences.itertuples():
        key = (PAPERS.get(row.distortion, row.distortion), row.architecture)
        s, r = (paper[kind].get(key, float("nan")) for kind in ("standard", "robust"))
        ours = (percent(row.S), percent(row.R), percent(row.difference, row.low, row.high))
        rows.append([title_of(row.distortion), row.architecture, *ours, s, r, round(r - s, 2)])
    columns = ["S", "R", "R - S", "paper S", "paper R", "paper R - S"]
    table = pd.DataFrame(rows, columns=["", "architecture", *columns])
    return table.set_index(["", "architecture"])


def table3_audit() -> str:
    """What is to be known about the numbers of the paper's Table 3: a Markdown list."""
    notes = reported("table3_audit")
    lines = [f"- **{row.column} {row.title}** {row.note}." for row in notes.itertuples()]
    return "\n".join(lines)
