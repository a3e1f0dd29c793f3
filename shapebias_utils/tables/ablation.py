"""Scores of channels in words and tables."""

from collections.abc import Sequence

import numpy as np
import pandas as pd

from ..measures.schema import OBSERVER
from ..measures.statistics import holm, outcomes
from ..results import reported
from . import listed, percent


def interval(value: float, low: float, high: float) -> str:
    """A number with two decimals and its interval: "1.46 [1.10, 1.85]"; a dash for nan."""
    return "–" if pd.isna(value) else f"{value:.2f} [{low:.2f}, {high:.2f}]"


def figure8(by_category: pd.DataFrame) -> pd.DataFrame:
    """Figure 8 as a table, a row a network and category of channels.

    Mean scores with their intervals, the same as shares of the images decided by that cue (per
    cent), and the margins that a channel adds (nats).
    """
    rows = {}
    titles = {"score": "{} score", "share": "of {} (%)", "margin": "to {} (nats)"}
    for (name, category), own in by_category.groupby(["network", "category"], sort=False):
        cells = own.set_index(["quantity", "cue"])
        rows[name, category] = {"channels": int(own["n"].iloc[0])}
        for quantity, title in titles.items():
            text = percent if quantity == "share" else interval
            for cue in ("shape", "texture"):
                named = title.format(cue.title() if quantity == "score" else cue)
                found = cells.loc[(quantity, cue), ["value", "low", "high"]]
                rows[name, category][named] = text(*found)
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


def against_chance(
    by_category: pd.DataFrame, category: str = "texture", quantity: str = "share"
) -> pd.DataFrame:
    """What the channels of a category turn beyond random channels of the same layers.

    A row a network: its `n` channels, and for either cue the excess of the mean (of shares in
    points) and `p`, Holm's over networks and cues. `matters for` "both", "shape", "texture" or
    "neither", where the excess is above 0 and p below .05; "less than chance" where both are below.
    """
    own = by_category.query("category == @category and quantity == @quantity")
    names = own["network"].unique()
    if own.empty:
        return pd.DataFrame(columns=["n", "matters for"])
    own = own.assign(p=holm(own["p"].to_numpy(float)), above=np.sign(own["excess"]))
    own["above"] = own["above"].where(own["p"] < 0.05, 0)
    wide = own.pivot(index="network", columns="cue", values=["excess", "p", "above"]).loc[names]
    found = pd.DataFrame(index=pd.Index(names, name="network"))
    found["n"] = own.groupby("network")["n"].first()
    factor = 100 if quantity == "share" else 1
    for cue in ("shape", "texture"):
        found[cue], found[f"p {cue}"] = factor * wide["excess", cue], wide["p", cue]
    said = []
    for shape, texture in zip(wide["above", "shape"], wide["above", "texture"], strict=True):
        cues = [c for c, sign in (("shape", shape), ("texture", texture)) if sign > 0]
        below = shape < 0 and texture < 0
        said.append({0: "less than chance" if below else "neither", 1: "".join(cues), 2: "both"}
                    [len(cues)])  # fmt: skip
    return found.assign(**{"matters for": said})


def matter_for_both(table: pd.DataFrame) -> str:
    """Where channels turn more decisions than random ones do, by :func:`against_chance`."""
    if table.empty:
        return "No channel of these networks is labelled with a texture, so there is none to judge."
    parts = []
    for kind, words in {
        "both": "for both kinds of decision",
        "shape": "for shape decisions alone",
        "texture": "for texture decisions alone",
        "neither": "for neither that could be told from chance",
        "less than chance": "less than chance for both",
    }.items():
        if names := list(table.index[table["matters for"] == kind]):
            parts.append(f"{words} in {listed(names)}")
    return "They matter more than random channels of their layers " + "; ".join(parts) + "."


def significant(table: pd.DataFrame) -> pd.DataFrame:
    """The table of ``importance.significant`` in per cent of the channels, a row a network."""
    shown = table.set_index("network").drop(columns=["architecture", "training", "seed"])
    shares = 100 * shown.drop(columns="n").div(shown["n"], axis=0)
    return shares.round(1).rename(columns=lambda c: f"{c} (%)").assign(channels=shown["n"])


def leaning(effects: pd.DataFrame) -> pd.DataFrame:
    """Which decisions channels of a label turn more of than their layers do: shape, or texture.

    From the rows of ``evidence.ablation`` about the difference of both shares: a row a kind of
    channel, a column an architecture and training: the difference in points, its interval, and
    "shape" or "texture" where the rule finds it to be on that side.
    """
    ending = ": shape less texture decisions turned, above their layers"
    own = effects[effects["quantity"].str.endswith(ending) & (effects["against"] == "0")]
    words = outcomes(own, 1).map({"reproduced": "shape", "reversed": "texture"}).fillna("undecided")
    text = [
        f"{percent(*row[:3])} {word}"
        for row, word in zip(own[["effect", "low", "high"]].to_numpy(), words, strict=True)
    ]
    own = own.assign(text=text, quantity=own["quantity"].str.removesuffix(ending))
    order = own["quantity"].unique()
    wide = own.pivot(index="quantity", columns=["architecture", "training"], values="text")
    return wide.loc[order].rename_axis(None)


def leans(effects: pd.DataFrame, channels: str, training: str = "robust") -> str:
    """:func:`leaning` of one kind of channel in one kind of network, as a sentence."""
    table = leaning(effects)
    if channels not in table.index:
        return f"There are no {channels} to judge."
    row = table.loc[channels].dropna()
    parts = {"shape": [], "texture": [], "undecided": []}
    for (architecture, kind), text in row.items():
        if kind == training:
            difference, word = text.rsplit(" ", 1)
            parts[word].append(f"{architecture} ({difference} points)")
    heads = {"shape": "lean to shape", "texture": "lean to texture", "undecided": "are undecided"}
    said = [f"{heads[word]} in {listed(names)}" for word, names in parts.items() if names]
    return f"{channels.capitalize()} of {KINDS[training]} " + "; they ".join(said) + "."


KINDS = {"standard": "S", "robust": "R", "control": "the control"}


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
    """Channels with their scores, and labels if any has one, as a reader wants them."""
    first = [c for c in ("network", "layer", "cue", "role") if c in table]
    columns = [*first, "unit", "shape_score", "texture_score"]
    if table["concept"].notna().any():
        table = table.assign(iou=table["iou"].round(3), detects=table["concept"].fillna("–"))
        columns += ["detects", "category", "iou"]
    return table[columns].set_index(first)


def beside_the_papers(examples: pd.DataFrame) -> pd.DataFrame:
    """Our examples as :func:`channels` shows them, and below them the paper's."""
    paper = reported("figures9_a6_a8_channels")
    paper = paper.assign(role="paper, Fig. " + paper["figure"])
    ours = examples.assign(role="Fig. " + examples["figure"] + ", " + examples["role"])
    return channels(pd.concat([ours, paper], ignore_index=True))


def example_title(example: pd.Series) -> str:
    """What stands above a channel's figure."""
    return (
        f"{example['network']} {example['layer']}, channel {example['unit']}: labelled "
        f"{example['concept']} (IoU {example['iou']:.3f}); Shape score {example['shape_score']}, "
        f"Texture score {example['texture_score']}"
    )


def flipped_blocks(flipped: pd.DataFrame, most: int) -> dict[str, pd.DataFrame]:
    """Heading -> the rows of ``scores.flips`` of one channel that were decided by that cue.

    Evenly spread over them where there are more than `most`, since they are sorted by category.
    """
    blocks = {}
    for cue in ("shape", "texture"):
        own = flipped[flipped["cue"] == cue]
        places = np.linspace(0, len(own) - 1, min(most, len(own))).round().astype(int)
        count = f"{len(own)}" if len(own) <= most else f"{most} of {len(own)}"
        blocks[f"decided by {cue}, but not without the channel: {count}"] = own.iloc[places]
    return blocks


def correlations(table: pd.DataFrame) -> pd.DataFrame:
    """Rank correlations with their intervals, a row a network, a column a score."""
    text = [interval(*row) for row in table[["rho", "low", "high"]].itertuples(index=False)]
    wide = table.assign(rho=text).pivot(index=[*OBSERVER, "n"], columns="cue", values="rho")
    wide = wide.reset_index().set_index("network").reindex(table["network"].unique())
    wide = wide.rename(columns={"shape": "Shape score", "texture": "Texture score"})
    return wide[["Shape score", "Texture score", "n"]].rename_axis(columns=None)


def decided(scores: pd.DataFrame, labellings: Sequence[str], missing: Sequence[str] = ()) -> str:
    """What the scores are of: how many images, how each network decides them, whose labels.

    And which networks are `missing`.
    """
    own = scores.groupby("network", sort=False)[["images", "shape", "texture"]].first()
    counts = [f"{n} {row.shape} and {row.texture}" for n, row in
              zip(own.index, own.itertuples(), strict=True)]  # fmt: skip
    labels = (
        "No image of the dataset is labelled pixel by pixel, so channels have no labels"
        if list(labellings) == ["no labels"]
        else f"Labels of channels by {listed(labellings)}; figures and claims take {labellings[0]}"
    )
    return (
        f"{own['images'].max()} images with conflicting cues. Decided by shape and by texture: "
        f"{'; '.join(counts)}. {labels}."
    ) + (f" Not shown: {listed(missing)} (`shapebias study ablation`)." if missing else "")


def checked(kept: pd.DataFrame, again: pd.DataFrame) -> str:
    """A sentence: how far scores that were measured again agree with those that are kept."""
    keys, counts = ["network", "seed", "layer", "unit"], ["shape_score", "texture_score"]
    both = again.merge(kept, on=keys, suffixes=("", "_kept"), validate="one_to_one")
    same = np.all([both[c] == both[f"{c}_kept"] for c in counts], axis=0)
    apart = max((both[f"{cue}_margin"] - both[f"{cue}_margin_kept"]).abs().max()
                for cue in ("shape", "texture"))  # fmt: skip
    places = listed([f"{n} {a}" for n, a in dict.fromkeys(zip(both["network"], both["layer"],
                                                              strict=True))])  # fmt: skip
    return (
        f"Measured again here, {places}: {same.sum()} of {len(both)} channels have the very scores "
        f"that are kept, and margins differ by {apart:.1g} nats at most."
    )


def at_k(removed: pd.DataFrame, k: int) -> pd.DataFrame:
    """The curves read at k channels, a row a network and order; random sets as one, their mean.

    In per cent: `bias`; `decided` by a cue; of these, `as before`, how many were decided so with
    all channels; `by chance`, how many would be if the answers were dealt out at random; and `bias
    beyond chance`, that of what is left when these are taken off.
    """
    own = removed[removed["channels"].isin([0, k])].copy()
    own["order"] = own["order"].str.replace(r" \d+$", "", regex=True)
    own["order"] = np.where(own["channels"] == 0, "all channels", own["order"])
    columns = ["n", "shape", "texture", "shape_kept", "texture_kept", "shape_chance",
               "texture_chance"]  # fmt: skip
    sums = own.groupby(["network", "order"], sort=False)[columns].mean()
    decided = sums["shape"] + sums["texture"]
    beyond = [(sums[c] - sums[f"{c}_chance"]).clip(lower=0) for c in ("shape", "texture")]
    with np.errstate(invalid="ignore"):
        found = {
            "bias (%)": sums["shape"] / decided,
            "decided (%)": decided / sums["n"],
            "as before (%)": (sums["shape_kept"] + sums["texture_kept"]) / decided,
            "by chance (%)": (sums["shape_chance"] + sums["texture_chance"]) / decided,
            "bias beyond chance (%)": beyond[0] / (beyond[0] + beyond[1]),
        }
    order = list(dict.fromkeys(own["network"])), [
        "all channels", "texture", "shape", "as texture", "as shape", "texture only", "shape only"
    ]  # fmt: skip
    wide = (100 * pd.DataFrame(found)).round(1)
    return wide.reindex(pd.MultiIndex.from_product(order, names=["network", "without"])).dropna(
        how="all"
    )


def shape_removal(removed: pd.DataFrame, k: int) -> str:
    """What happens to the bias without the k channels of the highest Shape scores, and why.

    A line a network, in Markdown: the change, that without random channels of the same layers,
    and what is left of the change when decisions by chance are taken off.
    """
    table, lines = at_k(removed, k), []
    for name in table.index.unique("network"):
        own = table.loc[name]
        if not {"all channels", "shape", "as shape", "shape only"} <= set(own.index):
            continue
        bias, beyond = own["bias (%)"], own["bias beyond chance (%)"]
        change = bias["shape"] - bias["all channels"]
        left = beyond["shape"] - beyond["all channels"]
        line = (
            f"- {name}: {bias['all channels']:.1f} -> {bias['shape']:.1f} % ({change:+.1f}) "
            f"without the {k} channels of the highest Shape scores, {bias['as shape']:.1f} % "
            f"without as many random ones of the same layers, {bias['shape only']:.1f} % without "
            "those that turn more shape than texture decisions. "
        )
        drift, by_chance = bias["as shape"] - bias["all channels"], own["by chance (%)"]["shape"]
        chance = f"{by_chance:.0f} % of the decisions that are left are as many as come by chance"
        if change <= 0:
            line += f"It falls, as one would expect; {chance}."
        elif drift > change / 2:
            line += (
                "It rises, and so it does without channels of these layers that were not chosen "
                f"for shape ({drift:+.1f}): most of the rise is the layers', not the choice's."
            )
        elif np.isnan(left) or left < change / 2:
            line += f"It rises, more than half of it by chance, which is 50 % ({chance})."
        else:
            line += (
                f"It rises, and neither the layers ({drift:+.1f}) nor chance ({left:+.1f} beyond "
                "it) explain that."
            )
        lines.append(line)
    return "\n".join(lines)
