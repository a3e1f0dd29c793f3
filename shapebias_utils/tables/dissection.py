"""Dissection for readers: channels by category beside the paper's changes, and what is chance."""

from collections.abc import Mapping

import pandas as pd

from ..results import reported
from . import beside_the_paper, verdict

CLAIMS = {
    "R has more channels for colours": ("color", 1),
    "R has more channels for textures": ("texture", 1),
    "R has fewer channels for objects": ("object", -1),
    "R has fewer channels for parts": ("part", -1),
}
"""What the paper says of its Figure 6 -> the category, and the sign of the change."""


def figure7(counts: pd.DataFrame) -> pd.DataFrame:
    """Channels by category, a row a network, with all its channels in the last column.

    `counts` as from ``detectors.count_detectors``.
    """
    wide = counts.pivot(index="network", columns="category", values="count")
    wide = wide.reindex(dict.fromkeys(counts["network"]))
    channels = counts.groupby("network")["n"].first()
    return wide.assign(channels=channels).rename_axis(index=None, columns=None)


def figure6(by_rule: Mapping[str, pd.DataFrame]) -> pd.DataFrame:
    """Change of detectors from S to R in per cent, a row an architecture and category.

    A column for each way to count (name -> table of ``detectors.changes``), and the
    paper's, where its text says.
    """
    keys = ["architecture", "category"]
    columns = {rule: table.set_index(keys)["change"] for rule, table in by_rule.items()}
    paper = reported("figure6_unit_change").set_index(keys)["change"]
    table = pd.DataFrame(columns).astype(float).round(0)
    return table.assign(paper=paper.reindex(table.index))


def direction(changes: pd.DataFrame, category: str, sign: int) -> dict[str, bool]:
    """Architecture -> whether R has more (`sign` 1) or fewer (-1) detectors of that category."""
    own = changes[changes["category"] == category]
    return {row.architecture: sign * (row.R - row.S) > 0 for row in own.itertuples()}


def figure6_claims(changes: pd.DataFrame) -> str:
    """Where each of `CLAIMS` holds, in Markdown; `changes` as of ``measures.detectors``."""
    if changes.empty:
        return verdict({})
    found = {claim: direction(changes, *facts) for claim, facts in CLAIMS.items()}
    return "\n\n".join(f"*{claim}.* {verdict(holds)}" for claim, holds in found.items())


def chance(counts: Mapping[str, pd.DataFrame], survival: pd.DataFrame) -> pd.DataFrame:
    """Detectors in all categories, in per cent of a network's channels: a row a network.

    A column for each kind of `counts` (name -> table of ``detectors.count_detectors``),
    and what share of the labels survives a bootstrap.
    """
    table = pd.DataFrame(
        {
            kind: 100 * own.groupby("network", sort=False)["share"].sum()
            for kind, own in counts.items()
        }
    )
    kept = survival.set_index("network")[["survival", "detectors"]].reindex(table.index)
    table["labels that survive"] = 100 * kept["survival"]
    table["detectors' that survive"] = 100 * kept["detectors"]
    order = list(dict.fromkeys(n for own in counts.values() for n in own["network"]))
    return table.reindex(order).round(1).rename_axis(None)


def figure_a12(diversity: pd.DataFrame) -> pd.DataFrame:
    """Concepts a channel, mean with its interval, a row a network, beside the paper's."""
    titles = {"diversity": "concepts a channel", "low": "from", "high": "to", "n": "channels"}
    paper = "figureA12_diversity", "diversity", "paper (of 1,197 concepts)"
    return beside_the_paper(diversity, titles, 2, paper)
