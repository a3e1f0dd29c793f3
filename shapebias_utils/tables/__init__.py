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


def table1(accuracies: pd.DataFrame, paper: bool = True) -> pd.DataFrame:
    """Accuracy in per cent with its interval: a row a subset of the images and a network.

    `accuracies` as from ``measures.robustness.by_subset``: a column for each eps, 0 being clean,
    with the `n` images that it is of. Beside the first subset (all images) and the last (whole
    objects, where there are others too) stands the paper's Table 1; not if not `paper`.
    """
    kinds = {eps: "clean" if eps == 0 else f"eps {eps:g}" for eps in sorted(set(accuracies["eps"]))}
    cells = [percent(row.accuracy, row.low, row.high) for row in accuracies.itertuples()]
    keys = ["subset", "network", "architecture", "training"]
    wide = accuracies.assign(cell=cells).pivot(index=keys, columns="eps", values=["cell", "n"])
    order = list(dict.fromkeys(accuracies["subset"]))
    wide = wide.reindex(accuracies.set_index(keys).index.unique())
    wide = wide.sort_index(
        level=0, key=lambda s: s.map(order.index), sort_remaining=False, kind="stable"
    )
    table = pd.DataFrame(index=wide.index)
    for eps, kind in kinds.items():
        table[kind], table[f"n, {kind}"] = wide["cell", eps], wide["n", eps]
    if paper:
        known = reported("table1_accuracy").set_index(["architecture", "training"])
        beside = {*order[:1], *order[-1:]}
        for column in ("clean", "adversarial"):
            table[f"paper, {column}"] = [
                known[column].get(key[2:], float("nan")) if key[0] in beside else float("nan")
                for key in table.index
            ]
    return table.reset_index(["architecture", "training"], drop=True).rename_axis([None, None])


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
    """A sentence on the networks that see these images in another size; "" if none does.

    Their shape bias is that of the images as they see them, which can differ by some points.
    """
    from ..networks.normalised import Normalised

    height, width = images.load([0]).shape[2:] if len(images) else (0, 0)
    lines = []
    for network in networks:
        if network.stimuli_transform == "preset":
            lines.append(f" {network.name} sees them prepared ({network.preset.text}).")
        elif isinstance(module := network.build(), Normalised) and module.size:
            if (module.size, module.size) != (height, width):
                size = f"{module.size}x{module.size}"
                lines.append(
                    f" {network.name} sees them resized from {height}x{width} to {size} pixels."
                )
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
