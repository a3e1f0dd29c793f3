"""Tables of 09: accuracy on transformed images, and where saliency lies, as a reader sees them."""

from collections.abc import Mapping, Sequence

import pandas as pd

from ..measures.statistics import outcomes
from . import listed, percent
from .distortions import title_of

ZONES = {
    "saliency: contour": "contour",
    "saliency: interior": "inside",
    "contour, not inside": "contour, of the object",
    "saliency: clutter": "clutter",
    "saliency: background": "background",
    "peak: contour": "peak on the contour",
}
"""Quantity -> what it is called, in the order in which it is shown."""


def accuracies(levels: pd.DataFrame, families: Sequence[str], measure: str) -> pd.DataFrame:
    """Accuracy in per cent with its interval: a row a network, a column a family.

    `levels` as from ``statistics.levels``; `measure` is "kept" or "accuracy".
    """
    cells = [percent(row.value, row.low, row.high) for row in levels.itertuples()]
    wide = levels.assign(cell=cells).pivot(index="network", columns="quantity", values="cell")
    names = {f"{measure}: {family}": family for family in families}
    wide = wide.reindex(index=dict.fromkeys(levels["network"]), columns=names).dropna(
        how="all", axis=1
    )
    return wide.dropna(how="all").rename(columns=names).rename_axis(index=None, columns=None)


def ratios(levels: pd.DataFrame, titles: Mapping[str, str], decimals: int = 2) -> pd.DataFrame:
    """Values with their intervals, "1.73 [1.62, 1.87]": a row a network, a column a quantity."""
    own = levels[levels["quantity"].isin(titles)]
    cells = [
        f"{r.value:.{decimals}f} [{r.low:.{decimals}f}, {r.high:.{decimals}f}]"
        for r in own.itertuples()
    ]
    wide = own.assign(cell=cells).pivot(index="network", columns="quantity", values="cell")
    wide = wide.reindex(index=dict.fromkeys(own["network"]), columns=titles)
    wide = wide.dropna(how="all", axis=1).rename(columns=titles)
    return wide.rename_axis(index=None, columns=None)


def follows_the_cue(effects: pd.DataFrame, quantity: str) -> str:
    """Whether saliency moves to the contour when the shape's class is asked for: Markdown.

    `effects` as from ``statistics.against_constant``; "" where it was not measured.
    """
    own = effects[(effects["quantity"] == quantity) & (effects["against"].astype(str) == "0")]
    if own.empty:
        return ""
    words = {"reproduced": "more on the contour", "reversed": "less on the contour"}
    lines = []
    for training, rows in own.groupby("training", sort=False):
        verdicts = outcomes(rows, 1).map(words).fillna("no difference that can be told")
        said = {v: list(rows["architecture"][verdicts == v]) for v in dict.fromkeys(verdicts)}
        text = "; ".join(f"{verdict} for {listed(names)}" for verdict, names in said.items())
        lines.append(f"- **{training}**: {text}")
    return "\n".join(lines)


def by_band(bands: Mapping[int, pd.DataFrame]) -> pd.DataFrame:
    """How the contour's scores hang on the band's width: a row a network, a column a half-width.

    `bands` maps half-widths in pixels to ``statistics.levels`` of the zones.
    """
    shown = {
        (ZONES[quantity], f"{band} px"): own.set_index("network")["value"].round(2)
        for quantity in ("saliency: contour", "contour, not inside")
        for band, table in bands.items()
        if len(own := table[table["quantity"] == quantity])
    }
    return pd.DataFrame(shown).rename_axis(index=None)


def most_salient_parts(levels: pd.DataFrame, n: int = 8) -> pd.DataFrame:
    """The parts with most saliency for their area, on average over the networks: a row a network.

    `levels` as from ``statistics.levels`` of ``saliency_scores.on_parts``.
    """
    wide = levels.assign(part=levels["quantity"].str.removeprefix("part: "))
    wide = wide.pivot(index="network", columns="part", values="value")
    best = wide.mean().sort_values(ascending=False).index[:n]
    wide = wide.reindex(index=dict.fromkeys(levels["network"]), columns=best).round(2)
    return wide.rename_axis(index=None, columns=None)


def likenesses(levels: pd.DataFrame) -> dict[str, str]:
    """Quantity -> title, of ``saliency_shown.over_transformed``: "Scrambled, rank"."""
    titles = {}
    for quantity in levels["quantity"].unique():
        how, distortion = quantity.split(": ")
        titles[quantity] = f"{title_of(distortion)}, {how}"
    return titles


def by_method(effects: pd.DataFrame) -> str:
    """What each method of making maps says of the contour's part, R against S: Markdown.

    `effects` as from ``saliency_study``; a sentence that there are none where it is empty.
    """
    if effects.empty:
        return "No scores by other methods are kept for this dataset (`shapebias study saliency`)."
    own = effects[(effects["training"] == "robust") & (effects["against"] == "standard")]
    lines = []
    for quantity in ("saliency: contour", "contour, not inside"):
        for method, rows in own[own["quantity"] == quantity].groupby("method", sort=False):
            cells = [
                f"{r.architecture} {r.effect:+.2f} [{r.low:+.2f}, {r.high:+.2f}]"
                for r in rows.itertuples()
            ]
            lines.append(f"- **{ZONES[quantity]}**, {method.replace('_', ' ')}: {'; '.join(cells)}")
    first = f"R less S, by four methods on {int(own['images'].max())} images each:"
    return "\n".join([first, "", *lines])


def by_regime(effects: pd.DataFrame) -> pd.DataFrame:
    """What each regime's network has more than S, with its interval: a row a regime.

    `effects` as from ``saliency_study``, scores by the gradient. "*" where S and the regime differ
    by the rule of ``statistics.outcomes``.
    """
    if effects.empty:
        return pd.DataFrame()
    own = effects[effects["method"].isin(["accuracy", "gradient"])]
    own = own[(own["against"] == "standard") & ~own["training"].isin(["control", "standard"])]
    sure = outcomes(own, 1).isin(["reproduced", "reversed"])
    cells = [
        f"{r.effect:+.2f} [{r.low:+.2f}, {r.high:+.2f}]{'*' * told}"
        for r, told in zip(own.itertuples(), sure, strict=True)
    ]
    keys = ["architecture", "training"]
    wide = own.assign(cell=cells).pivot(index=keys, columns="quantity", values="cell")
    order = list(dict.fromkeys(own[keys].itertuples(index=False, name=None)))
    wide = wide.reindex(index=order, columns=dict.fromkeys(own["quantity"]))
    wide.index = [f"{architecture}, {training}" for architecture, training in order]
    return wide.rename(columns=ZONES).rename_axis(columns=None).fillna("–")
