"""What networks answer to conflicting cues, in words: notebook 03, computed from its tables."""

import pandas as pd

from ..categories import CATEGORIES
from . import listed

FEW = len(CATEGORIES) // 4


def favourites(responses: pd.DataFrame) -> str:
    """Which category each observer answers most and least, as a Markdown list.

    `responses` as from ``measures.shape_bias.response_counts``. A network whose answers went evenly
    over the categories, of which each has a row, would give all as often.
    """
    lines = []
    for network, own in responses.groupby("network", sort=False):
        own = own.sort_values("count", kind="stable")
        least, most, n = own.iloc[0], own.iloc[-1], own["n"].iloc[0]
        lines.append(
            f"- {network} says {most['response']} most, {most['count']} times in {n:,} "
            f"({most['share']:.1%}), and {least['response']} least, {least['count']} times."
        )
    even = f"(An even share would be {1 / max(1, responses['response'].nunique()):.1%}.)"
    return "\n".join([*lines, "", even]) if lines else ""


def still_read(by_texture: pd.DataFrame, images: pd.DataFrame, training: str = "robust") -> str:
    """From which textures the networks of a training still take decisions: a Markdown list.

    `by_texture` as from ``measures.shape_bias.by_texture``: the quarter of the textures, named by
    the categories that own them, from which most texture decisions come. `images` is the table of
    the stimuli, which may know what a texture is called (`texture`).
    """
    lines, called = [], {}
    if "texture" in images:
        called = dict(zip(images["texture_category"], ", " + images["texture"], strict=True))
    for network, own in by_texture[by_texture["training"] == training].groupby(
        "network", sort=False
    ):
        own = own.sort_values("texture", ascending=False, kind="stable")
        total, first = own["texture"].sum(), own.head(FEW)
        if total:
            names = listed(
                [f"{r.category}{called.get(r.category, '')} ({r.texture})"
                 for r in first.itertuples()]
            )  # fmt: skip
            share = first["texture"].sum() / total
            lines.append(
                f"- Of the {total} texture decisions of {network}, {share:.0%} come from {FEW} of "
                f"{len(own)} textures: those of {names}."
            )
    return "\n".join(lines)


def coverage(bias: pd.DataFrame) -> pd.DataFrame:
    """The shape bias of each kind of network with what it rests on, in per cent.

    `bias` as from ``measures.shape_bias.shape_bias``: a row an architecture and training, with the
    lowest and highest shape bias of its `networks` and the mean share of the images that are
    decided by either cue: where it is near the 1 in 8 of chance, there is nothing to be biased.
    """
    table = bias.assign(decided=(bias["shape"] + bias["texture"]) / bias["n"])
    groups = table.groupby(["architecture", "training"], sort=False)
    found = groups.agg(
        lowest=("shape_bias", "min"), highest=("shape_bias", "max"), decided=("decided", "mean"),
        networks=("network", "size"), n=("n", "first"),
    )  # fmt: skip
    for column in ("lowest", "highest", "decided"):
        found[column] = (100 * found[column]).round(1)
    titles = {"lowest": "shape bias (%), from", "highest": "to", "decided": "decided by a cue (%)"}
    return found.rename(columns=titles)


def rank_by_chance(n: int) -> float:
    """The mean reciprocal rank of one of `n` categories whose order is left to chance."""
    return sum(1 / rank for rank in range(1, n + 1)) / n
