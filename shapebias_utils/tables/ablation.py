"""Scores of channels in words and tables."""

from collections.abc import Mapping

import numpy as np
import pandas as pd

from ..measures.schema import OBSERVER
from ..results import reported
from . import percent, verdict


def interval(value: float, low: float, high: float) -> str:
    """A number with two decimals and its interval: "1.46 [1.10, 1.85]"; a dash for nan."""
    return "–" if pd.isna(value) else f"{value:.2f} [{low:.2f}, {high:.2f}]"


def figure8(by_category: pd.DataFrame) -> pd.DataFrame:
    """Figure 8 as a table, a row a network and category of channels.

    Mean scores with their intervals, their ratio, and the same as shares of the images decided by
    that cue, in per cent.
    """
    rows = {}
    for (name, category), own in by_category.groupby(["network", "category"], sort=False):
        cells = own.set_index(["quantity", "cue"])
        rows[name, category] = {"channels": int(own["n"].iloc[0])}
        for quantity, text in (("score", interval), ("share", percent)):
            for cue in ("shape", "texture"):
                title = f"{cue.title()} score" if quantity == "score" else f"of {cue} (%)"
                found = cells.loc[(quantity, cue), ["value", "low", "high"]]
                rows[name, category][title] = text(*found)
    return pd.DataFrame.from_dict(rows, orient="index").rename_axis(["network", "detects"])


def ratios(
    by_category: pd.DataFrame, scores: pd.DataFrame, category: str = "texture"
) -> pd.DataFrame:
    """Texture over Shape score of the channels of a category, beside that of the decisions.

    A row a network: the mean scores, their `ratio`, and `decisions`, the ratio of the images it
    decides by texture to those by shape, which the scores would have if both kinds of decision
    were equally easy to turn. `relative` is the one over the other: above 1, texture decisions
    hang more on these channels.
    """
    own = by_category.query("quantity == 'score' and category == @category")
    table = own.pivot(index="network", columns="cue", values="value").rename_axis(columns=None)
    table = table.reindex(index=own["network"].unique(), columns=["shape", "texture"])
    decided = scores.groupby("network")[["shape", "texture"]].first().reindex(table.index)
    table["ratio"] = table["texture"] / table["shape"]
    table["decisions"] = decided["texture"] / decided["shape"]
    return table.assign(relative=table["ratio"] / table["decisions"])


def matter_for_both(table: pd.DataFrame) -> str:
    """Where texture channels turn both kinds of decision, by :func:`ratios`: in Markdown."""
    if table.empty:
        return "No channel of these networks is labelled with a texture, so there is none to judge."
    return verdict(table[["shape", "texture"]].gt(0).all(axis=1).to_dict())


def ratio_sentences(table: pd.DataFrame) -> str:
    """The table of :func:`ratios` in Markdown, a line a network, and one for the paper's."""
    lines = []
    for row in table.itertuples():
        turned = (
            f"- {row.Index}: a texture channel turns {row.texture:.2f} texture and {row.shape:.2f} "
            "shape decisions on average"
        )
        ratio = (
            f", a ratio of {row.ratio:.2f}. Its decisions themselves are in a ratio of "
            f"{row.decisions:.2f}: of equally many, {row.relative:.2f} texture decisions turn for "
            "one shape decision."
        )
        lines.append(turned + (ratio if np.isfinite(row.relative) else "; that makes no ratio."))
    paper = reported("table2_shape_bias").query("architecture == 'AlexNet'").set_index("training")
    s, r = (
        paper.loc[kind, "texture"] / paper.loc[kind, "shape"] for kind in ("standard", "robust")
    )
    lines.append(
        "- The paper's Figure 8 has a ratio of almost 2 for the texture channels of AlexNet, of "
        "about 1 for those of AlexNet-R. By its Table 2 these networks' decisions are in a ratio "
        f"of {s:.2f} and {r:.2f}."
    )
    return "\n".join(lines)


def channels(table: pd.DataFrame) -> pd.DataFrame:
    """Channels with their scores and labels as a reader wants them, a row each."""
    shown = table.assign(iou=table["iou"].round(3), detects=table["concept"].fillna("–"))
    first = [c for c in ("network", "layer", "cue", "role") if c in shown]
    columns = [*first, "unit", "shape_score", "texture_score", "detects", "category", "iou"]
    return shown[columns].set_index(first)


def beside_the_papers(examples: pd.DataFrame) -> pd.DataFrame:
    """Our examples as :func:`channels` shows them, and below them the paper's."""
    paper = reported("figures9_a6_a8_channels")
    paper = paper.assign(role="paper, Fig. " + paper["figure"])
    return channels(pd.concat([examples, paper], ignore_index=True))


def example_grids(
    examples: pd.DataFrame,
    preferred: Mapping[str, pd.DataFrame],
    flipped: pd.DataFrame,
    most: int = 28,
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """What ``figures.preferred_images`` shows of the examples: preferred and flipped images.

    `preferred` maps networks to tables of ``measures.preferred_images``, `flipped` is of
    ``ablation.flips``. Each channel is a grid in the first; in the second it is one for each cue,
    all channels' shape decisions before their texture decisions, each with the first `most` images.
    """
    keys = ["network", "layer", "unit"]
    columns = [*keys, "title", "rank", "imagename"]
    liked, turned = [pd.DataFrame(columns=columns)], [pd.DataFrame(columns=columns)]
    for cue in ("shape", "texture"):
        for row in examples.itertuples():
            name = f"{row.network} {row.layer} {row.unit}"
            here = flipped.query("network == @row.network and layer == @row.layer")
            here = here.query("unit == @row.unit and cue == @cue").reset_index(drop=True)
            title = f"{name}: {len(here)} by {cue}"
            turned.append(here.assign(title=title, rank=here.index + 1)[columns].head(most))
            if cue == "shape":
                mine = preferred[row.network].query("layer == @row.layer and unit == @row.unit")
                title = f"{name}, {row.concept}\nShape {row.shape_score}, " \
                    f"Texture {row.texture_score}"  # fmt: skip
                liked.append(mine.assign(network=row.network, title=title)[columns])
    return tuple(pd.concat(tables, ignore_index=True) for tables in (liked, turned))


def correlations(table: pd.DataFrame) -> pd.DataFrame:
    """Rank correlations with their intervals, a row a network, a column a score."""
    text = [interval(*row) for row in table[["rho", "low", "high"]].itertuples(index=False)]
    wide = table.assign(rho=text).pivot(index=[*OBSERVER, "n"], columns="cue", values="rho")
    wide = wide.reset_index().set_index("network").reindex(table["network"].unique())
    wide = wide.rename(columns={"shape": "Shape score", "texture": "Texture score"})
    return wide[["Shape score", "Texture score", "n"]].rename_axis(columns=None)


def shifts(removed: pd.DataFrame) -> dict[str, str]:
    """Network -> a sentence: how far the bias moves without as many channels as leave it able.

    That is, the largest number without which, in the order "texture", it still decides half as
    many images by a cue as with all its channels.
    """
    sentences = {}
    for name, own in removed.groupby("network", sort=False):
        ranked = own[own["order"] == "texture"].set_index("channels").sort_index()
        decided = ranked["shape"] + ranked["texture"]
        if not decided.iloc[0]:
            sentences[name] = (
                f"{name} decides none of these images by a cue: it has no bias to move"
            )
            continue
        k = decided.index[decided >= decided.iloc[0] / 2].max()
        start = ranked["shape_bias"].iloc[0]
        end = own[own["channels"] == k].set_index("order")
        random = end.loc[end.index.str.startswith("random"), "shape_bias"]
        low, high = end.loc["texture", ["low", "high"]]
        sentences[name] = (
            f"{name}: from {percent(start)} % to {percent(end.loc['texture', 'shape_bias'])} % "
            f"[{100 * low:.1f}, {100 * high:.1f}] without the {k} channels of the highest Texture "
            f"scores, to {percent(end.loc['shape', 'shape_bias'])} % without those of the highest "
            f"Shape scores, to between {percent(random.min())} and {percent(random.max())} % "
            "without as many random ones"
        )
    return sentences
