"""Dissection for readers: channels by category beside the paper's changes, and what is chance."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import pandas as pd

from ..measures.dissection import detectors, intervals
from ..measures.dissection.variance import FACTORS
from ..measures.schema import OBSERVER
from ..networks import STYLIZED
from ..results import reported
from . import beside_the_paper, percent

if TYPE_CHECKING:
    from ..datasets.concepts import ConceptSet
    from ..networks import Network

PAIR = ["architecture", "category"]


def labellings(
    sets: "Mapping[str, ConceptSet]", dissected: Mapping[str, pd.DataFrame]
) -> pd.DataFrame:
    """What networks are dissected on: a row a labelling, with its images and concepts by kind."""
    rows = []
    for name, own in sets.items():
        kinds, counts = pd.Series(own.strata()), own.concepts.groupby("category").size()
        by_kind = ", ".join(f"{n} {kind or 'images'}" for kind, n in kinds.value_counts().items())
        channels = dissected[name].groupby("network")[["layer", "unit"]].nunique()
        facts = {"images": len(own), "of these": by_kind, "networks": len(channels)}
        rows.append(facts | {f"{kind}s": int(n) for kind, n in counts.items()})
    return pd.DataFrame(rows, index=list(sets)).rename_axis("labelling")


def published_changes() -> pd.DataFrame:
    """The paper's Figure 6 as its text has it: `architecture`, `category`, `change` in per cent."""
    return reported("figure6_unit_change")


def counts(effects: pd.DataFrame, labels: pd.DataFrame) -> pd.DataFrame:
    """Channels by category of each kind of network, as the verdicts have them (Figures 6 and 7).

    `effects` as from ``evidence.dissection.compared``; of networks that are held against no other,
    from their `labels` (``intervals.indicators``). A row an architecture, training and `category`:
    `share` of the `n` channels with its interval `low`, `high`, and their `count`, the mean over
    `seeds` networks.
    """
    name, found = "channels: ", []
    for row in effects[effects["quantity"].str.startswith(name)].itertuples():
        ours = row.training, row.value, row.value_low, row.value_high
        theirs = row.against, row.versus, row.versus_low, row.versus_high
        for training, share, low, high in (ours, theirs):
            kind = row.architecture, training, row.quantity.removeprefix(name)
            found.append((*kind, share * row.n, share, max(low, 0), high, row.n, row.seeds))
    keys = ["architecture", "training", "category"]
    columns = [*keys, "count", "share", "low", "high", "n", "seeds"]
    alone = intervals.shares(labels).assign(seeds=1)[columns]
    compared = pd.DataFrame(found, columns=columns)
    table = pd.concat([t for t in (compared, alone) if len(t)] or [alone], ignore_index=True)
    return table.drop_duplicates(keys, ignore_index=True)


def figure7(counts: pd.DataFrame) -> pd.DataFrame:
    """The rows of :func:`counts` that Figure 7 shows: S, R and networks trained on stylized images.

    Of the architectures that have such, or S and R of all where none has.
    """
    rows = counts[counts["training"] != "control"]
    styled = rows[rows["training"].isin(STYLIZED)]["architecture"].unique()
    return rows[rows["architecture"].isin(styled)] if len(styled) else rows


def ways_to_count(
    counts: Mapping[str, pd.DataFrame], pairs: "Sequence[tuple[Network, Network]]"
) -> pd.DataFrame:
    """Change of detectors from S to R in per cent, a row an architecture and category.

    A column for each way to count (name -> table of ``detectors.count_detectors``), and the
    paper's, where its text says.
    """
    columns = {
        way: detectors.changes(own, pairs).set_index(PAIR)["change"] for way, own in counts.items()
    }
    paper = published_changes().set_index(PAIR)["change"]
    table = pd.DataFrame(columns).astype(float).round(0)
    return table.assign(paper=paper.reindex(table.index)).reset_index()


def by_chance(
    dissected: Mapping[str, pd.DataFrame], counts: Mapping[str, pd.DataFrame]
) -> pd.DataFrame:
    """Detectors in per cent of a network's channels by each rule, and how steady labels are.

    A row a network; `counts` of the first labelling, name -> ``detectors.count_detectors``. Then
    the median of the calibrated thresholds, and the share of labels that stay the same when images
    are drawn again, of all and of those above chance.
    """
    first = next(iter(dissected.values()))
    table = pd.DataFrame(
        {
            f"{way} (%)": 100 * own.groupby("network", sort=False)["share"].sum()
            for way, own in counts.items()
        }
    ).round(1)
    concepts = first.dropna(subset=["concept"]).drop_duplicates(["network", "concept"])
    medians = concepts.groupby("network")["chance"]
    table["threshold, median"] = medians.median().round(3)
    table["lowest"], table["highest"] = medians.min().round(3), medians.max().round(3)
    for title, own in (("all", first), ("above chance", detectors.above_chance(first))):
        kept = detectors.survival(own).set_index("network")["survival"]
        table[f"labels that stay, {title} (%)"] = (100 * kept).round(1)
    return table.rename_axis(None)


def relabelled(crossed: pd.DataFrame) -> str:
    """A sentence for each kind of network on what channels of objects and parts read, in Markdown.

    `crossed` as from ``labellings.cross_labels``, of channels above chance under both.
    """
    if crossed.empty:
        return "There is one labelling only."
    lines = []
    for training, title in (("standard", "S"), ("control", "the control"), ("robust", "R")):
        own = crossed[crossed["training"].eq(training) & crossed["relation"].ne("none")]
        texts = []
        for category, relation, what in (
            ("object", "its texture", "object channels read the object's texture"),
            ("part", "its texture", "part channels its owner's texture"),
            ("part", "the same", "the part itself"),
        ):
            rows = own[own["category"] == category]
            if len(rows):
                found = rows["relation"].eq(relation)
                texts.append(f"{found.sum()} of {len(rows)} ({percent(found.mean())} %) {what}")
        if texts:
            lines.append(f"Where the cues conflict, of {title}'s {', '.join(texts)}.")
    return "\n\n".join(lines)


def variance_by_layer(varied: pd.DataFrame) -> pd.DataFrame:
    """Mean share of variance of a layer's channels: a row a network, layer and `factor`.

    `varied` as from ``variance.variance_by_factor``, collected. Columns `value` with the 95 %
    normal interval `low`, `high` of the mean over `n` channels.
    """
    if varied.empty:
        return pd.DataFrame(columns=[*OBSERVER, "layer", "factor", "value", "low", "high", "n"])
    long = varied.melt([*OBSERVER, "layer", "unit"], list(FACTORS), "factor", "share").dropna()
    groups = long.groupby([*OBSERVER, "layer", "factor"], sort=False)["share"]
    table = groups.agg(value="mean", spread="sem", n="count").reset_index()
    half = 1.96 * table.pop("spread").fillna(0)
    return table.assign(low=table["value"] - half, high=table["value"] + half)


def quantities(effects: pd.DataFrame) -> pd.DataFrame:
    """What R has, and S and the control: a row a quantity and architecture, with intervals.

    `effects` as from ``evidence.dissection.compared``. A value without an asterisk does not differ
    from that of R by the rule (p after Holm's correction).
    """
    rows: dict[tuple[str, str], dict[str, str]] = {}
    for row in effects[effects["training"] == "robust"].itertuples():
        own = rows.setdefault((row.quantity, row.architecture), {})
        own["R"] = _value(row.value, row.value_low, row.value_high)
        star = " *" if row.p_holm < 0.05 else ""
        title = {"standard": "S", "control": "control"}.get(row.against, row.against)
        own[title] = _value(row.versus, row.versus_low, row.versus_high) + star
        own["channels"], own["seeds"] = row.n, row.seeds
    table = pd.DataFrame(list(rows.values()))
    columns = [c for c in ("S", "control", "R", "channels", "seeds") if c in table]
    index = pd.MultiIndex.from_tuples(list(rows), names=["quantity", "architecture"])
    return table[columns].set_axis(index).fillna("–")


def _value(value: float, low: float, high: float) -> str:
    if pd.isna(value):
        return "–"
    return f"{value:.3f} [{low:.3f}, {high:.3f}]"


def figure_a12(diversity: pd.DataFrame) -> pd.DataFrame:
    """Concepts a channel, mean with its interval, a row a network, beside the paper's."""
    titles = {"diversity": "concepts a channel", "low": "from", "high": "to", "n": "channels"}
    paper = "figureA12_diversity", "diversity", "paper (of 1,197 concepts)"
    return beside_the_paper(diversity, titles, 2, paper)
