"""Tables as a reader wants them: ours beside the paper's, in per cent, and sentences about them."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import pandas as pd

from ..measures.shape_bias import OBSERVER
from ..results import reported

if TYPE_CHECKING:
    from ..networks import Network


def percent(share: float, low: float | None = None, high: float | None = None) -> str:
    """A share as a percentage with one decimal, its interval in brackets: "33.7 [31.0, 36.4]"."""
    if pd.isna(share):
        return "–"
    text = f"{100 * share:.1f}"
    return text if low is None else f"{text} [{100 * low:.1f}, {100 * high:.1f}]"


def table1(accuracies: pd.DataFrame) -> pd.DataFrame:
    """Clean and adversarial accuracy in per cent, a row a network, ours beside the paper's.

    `accuracies` as from ``measures.robustness.by_subset``, at eps 0 and one eps above; a pair of
    columns for each subset, then the paper's Table 1 where it has that network.
    """
    kind = accuracies["eps"].gt(0).map({False: "clean", True: "adversarial"})
    wide = accuracies.assign(kind=kind, value=(100 * accuracies["accuracy"]).round(1)).pivot(
        index=["network", "architecture", "training"], columns=["subset", "kind"], values="value"
    )
    order = list(dict.fromkeys(accuracies["network"]))
    subsets = dict.fromkeys(accuracies["subset"])
    wide = wide[[(s, k) for s in subsets for k in ("clean", "adversarial") if (s, k) in wide]]
    paper = reported("table1_accuracy").set_index(["architecture", "training"])
    for column in ("clean", "adversarial"):
        wide["paper (ImageNet)", column] = [
            paper[column].get(key[1:], float("nan")) for key in wide.index
        ]
    wide = wide.reset_index(level=["architecture", "training"], drop=True).reindex(order)
    wide.columns.names = [None, None]
    return wide.rename_axis(None)


def table2(bias: pd.DataFrame) -> pd.DataFrame:
    """Shape bias in per cent with interval and coverage, a row an observer, beside the paper's."""
    paper = reported("table2_shape_bias").set_index(["architecture", "training"])["shape"]
    rows = [
        {
            "shape bias (%)": round(100 * row.shape_bias, 1),
            "from": round(100 * row.low, 1),
            "to": round(100 * row.high, 1),
            "shape": row.shape,
            "texture": row.texture,
            "of n": row.n,
            "paper (%)": paper.get((row.architecture, row.training), float("nan")),
        }
        for row in bias.itertuples()
    ]
    return pd.DataFrame(rows, index=list(bias["network"]))


def s_and_r(
    table: pd.DataFrame, pairs: "Sequence[tuple[Network, Network]]", value: str
) -> pd.DataFrame:
    """`value` of S and of R and their difference, a row an architecture."""
    values = table.set_index("network")[value]
    rows = [(s.architecture, values[s.name], values[r.name]) for s, r in pairs]
    wide = pd.DataFrame(rows, columns=["architecture", "S", "R"]).set_index("architecture")
    return wide.assign(difference=wide["R"] - wide["S"])


def over_seeds(seeds: pd.DataFrame, columns: Sequence[str]) -> pd.DataFrame:
    """Mean ± standard deviation (n - 1) over seeds, in per cent: a row a network.

    The mean alone where there is one seed.
    """
    if seeds.empty:
        return pd.DataFrame(columns=[*columns, "seeds"])
    keys = [k for k in OBSERVER if k != "seed"]
    groups = seeds.groupby(keys, sort=False)[list(columns)]
    mean, spread = 100 * groups.mean(), 100 * groups.std()
    text = {
        c: [
            f"{m:.1f}" if pd.isna(s) else f"{m:.1f} ± {s:.1f}"
            for m, s in zip(mean[c], spread[c], strict=True)
        ]
        for c in columns
    }
    return pd.DataFrame(text, index=mean.index.get_level_values("network")).assign(
        seeds=groups.size().to_numpy()
    )


def listed(names: Sequence[str]) -> str:
    """The names in a sentence: "A, B and C"."""
    return " and ".join(filter(None, [", ".join(names[:-1]), *names[-1:]]))


def verdict(holds: Mapping[str, bool]) -> str:
    """A Markdown sentence: in which of the cases (architectures) a claim holds and in which not."""
    if not holds:
        return "There is no S/R pair among these networks, so there is nothing to compare."
    yes, no = ([k for k, v in holds.items() if bool(v) is want] for want in (True, False))
    if not no:
        return f"It holds for all of {listed(yes)}."
    if not yes:
        return f"**It fails for all of {listed(no)}.**"
    return f"It holds for {listed(yes)}; **it fails for {listed(no)}.**"
