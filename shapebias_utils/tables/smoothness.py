"""Smoothness for readers: Table 4 beside the paper's, matches, and what R has less of by layer."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import pandas as pd

from ..measures.evidence.smoothness import KERNEL, NOISE, RELATIVE
from ..measures.statistics import outcomes
from . import beside_the_paper, listed
from .claims import AGAINST

if TYPE_CHECKING:
    from ..networks import Network


def table4(tv: pd.DataFrame) -> pd.DataFrame:
    """Mean total variation of the kernels with its interval, a row a network, beside the paper's.

    `tv` as from ``filter_tv.network_tv``.
    """
    titles = {"value": "mean TV", "low": "from", "high": "to", "n": "filters"}
    paper = "table4_total_variation", "mean_tv", "paper (ImageNet)"
    return beside_the_paper(tv, titles, 2, paper)


def over_definitions(table: pd.DataFrame, pairs: "Sequence[tuple[Network, Network]]") -> str:
    """A sentence: by how many definitions of total variation R is smoother than S.

    `table` as from ``filter_tv.closeness``.
    """
    if not pairs:
        return "There is no S/R pair among these networks, so there is nothing to compare."
    counts = [f"{(table[r.name] < table[s.name]).sum()} for {s.architecture}" for s, r in pairs]
    return f"Of {len(table)} definitions, R is smoother than S by {', '.join(counts)}."


def definitions(
    table: pd.DataFrame, pairs: "Sequence[tuple[Network, Network]]", most: int = 6
) -> str:
    """HTML: the definitions of total variation that come closest to the paper's numbers.

    `table` as from ``filter_tv.closeness``. Which one the paper used only its own networks can
    tell, those with published weights (not trained by this project): the table is folded away
    unless they are among the `pairs`.
    """
    here = [n for pair in pairs for n in pair if n.path() and n.path().suffix == ".safetensors"]
    shown = table.head(most).round(2).to_html(index=False, border=0)
    title = f"The {min(most, len(table))} of {len(table)} definitions closest to the paper"
    opened = "" if here or not pairs else " open"
    said = over_definitions(table, pairs)
    return f"<p>{said}</p><details{opened}><summary>{title}</summary>{shown}</details>"


def about_matches(matches: pd.DataFrame) -> str:
    """A sentence on matched filters: how many of R are smoother, and of the same number as S's.

    `matches` as from ``filter_matching.with_tv``.
    """
    if matches.empty:
        return "There is no S/R pair among these networks, so no filters are matched."
    smoother = 100 * (matches["difference"] > 0).mean()
    same = 100 * (matches["filter"] == matches["match"]).mean()
    return (
        f"R's filter is the smoother one in {smoother:.0f} % of {len(matches)} pairs; {same:.0f} % "
        f"of S's filters match R's of the same number. The median r is {matches['r'].median():.2f}."
    )


def by_layer(effects: pd.DataFrame) -> pd.DataFrame:
    """How much less R has of each quantity in each layer, in per cent, and the verdict.

    `effects` as from ``evidence.smoothness.compared``. A row an architecture and layer, a column a
    quantity and network that R is held against; relative to that network's. Of noise / signal it is
    the change of the amplitude. "reproduced": R has less, as the paper says.
    """
    named = effects["quantity"].str.contains(": ")
    if not named.any():
        return pd.DataFrame()
    own = effects[named].assign(verdict=outcomes(effects[named], -1))
    own[["what", "layer"]] = own["quantity"].str.split(": ", n=1, expand=True).to_numpy()
    ratio = own["value"] / own["versus"]
    ratio = ratio.where(~own["what"].eq(NOISE), ratio**0.5)
    own["cell"] = [
        f"{100 * (r - 1):+.0f} %, {v}" for r, v in zip(ratio, own["verdict"], strict=True)
    ]
    own["held"] = own["against"].map(lambda a: AGAINST.get(a, a))
    wide = own.pivot(index=["architecture", "layer"], columns=["what", "held"], values="cell")
    columns = own[["what", "held"]].drop_duplicates().itertuples(index=False, name=None)
    measured = effects.loc[effects["quantity"].str.startswith(NOISE)]
    layers = [(a, q.split(": ")[1]) for a, q in zip(measured["architecture"], measured["quantity"],
                                                   strict=True)]  # fmt: skip
    keys = own[["architecture", "layer"]].itertuples(index=False, name=None)
    order = sorted(wide.index, key=_places([*layers, *keys]).__getitem__)
    return wide.loc[order, list(columns)].fillna("–").rename_axis([None, None])


def _places(keys: Sequence[tuple[str, str]]) -> dict[tuple[str, str], tuple[int, int]]:
    """Where an (architecture, layer) stands: architectures together, as they come."""
    architectures = list(dict.fromkeys(a for a, _ in keys))
    return {key: (architectures.index(key[0]), i) for i, key in enumerate(dict.fromkeys(keys))}


def more_noise(ends: Mapping[str, pd.DataFrame], pairs: "Sequence[tuple[Network, Network]]") -> str:
    """Sentences: at which deviations of the noise more of it gets through R than through S.

    `ends` maps names of layers ("last layer") to tables as from ``noise_gain.noise_to_signal``, a
    row a network and deviation. Only deviations at which R's interval lies above S's count.
    """
    said = []
    for where, table in ends.items():
        bounds = table.set_index(["network", "deviation"])
        found = []
        for s, r in pairs:
            if not {s.name, r.name} <= set(table["network"]):
                continue
            low, high = bounds.loc[r.name]["low"], bounds.loc[s.name]["high"]
            more = [f"{d:g}" for d in low.index if low[d] > high[d]]
            found.append(f"{s.architecture} {f'at {listed(more)}' if more else 'nowhere'}")
        if found:
            said.append(f"{where}: {', '.join(found)}")
    if not said:
        return "There is no S/R pair whose layers were measured."
    return f"More noise gets through R than through S (intervals apart): {'; '.join(said)}."


def over_seeds(levels: pd.DataFrame) -> pd.DataFrame:
    """Kernel TV, and noise / signal (of powers) layer by layer: mean ± standard deviation over
    `seeds`, a row a quantity and architecture.

    `levels` as from ``measures.statistics.levels``, of ``evidence.smoothness``; empty if they are.
    """
    if levels.empty:
        return pd.DataFrame(columns=["S", "control", "R", "n", "seeds"])
    mine = levels[
        levels["quantity"].isin((KERNEL, RELATIVE)) | levels["quantity"].str.startswith(NOISE)
    ]
    kinds = {"standard": "S", "control": "control", "robust": "R"}
    cells = [f"{row.value:.3g} ± {row.sd:.2g}" for row in mine.itertuples()]
    keys = ["quantity", "architecture"]
    shown = mine.assign(cell=cells, kind=mine["training"].map(kinds))
    wide = shown.pivot(index=keys, columns="kind", values="cell")
    counts = shown.groupby(keys, sort=False)[["n", "seeds"]].max()
    wide = wide.reindex(counts.index)[[k for k in kinds.values() if k in wide]]
    return wide.join(counts).rename_axis(columns=None)
