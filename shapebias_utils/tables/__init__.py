"""Tables as a reader wants them: ours beside the paper's, in per cent, and sentences about them."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import pandas as pd

from ..measures.schema import OBSERVER
from ..results import reported

if TYPE_CHECKING:
    from ..datasets import ImageSet
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
    per_cent = bias.assign(**{c: 100 * bias[c] for c in ("shape_bias", "low", "high")})
    titles = {
        "shape_bias": "shape bias (%)", "low": "from", "high": "to", "shape": "shape",
        "texture": "texture", "n": "of n",
    }  # fmt: skip
    return beside_the_paper(per_cent, titles, 1, ("table2_shape_bias", "shape", "paper (%)"))


def beside_the_paper(
    table: pd.DataFrame, titles: Mapping[str, str], decimals: int, paper: tuple[str, str, str]
) -> pd.DataFrame:
    """These columns of a table, rounded and with their titles, a row an observer; then the paper's.

    `paper`: which of its tables (of ``data/reported``), the column there, and its title here.
    """
    name, column, title = paper
    known = reported(name).set_index(["architecture", "training"])[column]
    shown = table[list(titles)].round(decimals).rename(columns=titles)
    kinds = zip(table["architecture"], table["training"], strict=True)
    shown[title] = [known.get(kind, float("nan")) for kind in kinds]
    return shown.set_axis(list(table["network"]))


def s_and_r(
    table: pd.DataFrame, pairs: "Sequence[tuple[Network, Network]]", value: str
) -> pd.DataFrame:
    """`value` of S and of R and their difference, a row an architecture of which both are there."""
    values = table.set_index("network")[value].to_dict()
    rows = [
        (s.architecture, values[s.name], values[r.name])
        for s, r in pairs
        if {s.name, r.name} <= set(values)
    ]
    wide = pd.DataFrame(rows, columns=["architecture", "S", "R"]).set_index("architecture")
    return wide.assign(difference=wide["R"] - wide["S"])


def on_average(sentence: str, *changes: pd.Series, **facts: float) -> str:
    """The sentence with the mean of each series, times 100, and the facts in its braces.

    "" where there is none to average, as of networks among which there is no S/R pair.
    """
    if any(change.isna().all() for change in changes):
        return ""
    return sentence.format(*(100 * change.mean() for change in changes), **facts)


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


def resized(networks: "Sequence[Network]", images: "ImageSet") -> str:
    """A sentence on the networks that resize these images before they see them; "" if none does.

    Their shape bias is that of the resized images, which can differ by some points.
    """
    from ..networks.normalised import Normalised

    sides = {n.name: m.size for n in networks if isinstance(m := n.build(), Normalised) and m.size}
    height, width = images.load([0]).shape[2:] if len(images) else (0, 0)
    lines = [
        f" {name} sees them resized from {height}x{width} to {side}x{side} pixels."
        for name, side in sides.items()
        if (side, side) != (height, width)
    ]
    return "".join(lines)


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
