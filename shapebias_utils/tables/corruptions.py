"""The paper's Table A1: accuracy under corruption, ours beside its, and what is odd about it."""

from collections.abc import Sequence
from itertools import combinations

import numpy as np
import pandas as pd

from ..distortions.imagenet_c import CORRUPTIONS, MAIN
from ..measures.corruptions import GROUPS, MEANS
from ..results import reported
from . import listed, percent

TITLES = {name: title for name, (title, _) in CORRUPTIONS.items()}
"""Corruption -> what it is called in tables and figures."""

KINDS = {name: "extra" for name in CORRUPTIONS} | {
    name: kind for kind, names in GROUPS.items() for name in names
}
"""Corruption -> its kind; "extra" for those that are not among the 15."""


def papers() -> pd.DataFrame:
    """Table A1 in per cent: a row a corruption, a column a network (architecture, training).

    Its own last row is `mean`; behind it are the means of its rows over the `MEANS` and `GROUPS`
    of ``measures.corruptions``.
    """
    wide = reported("tableA1_corruptions").pivot(
        index="distortion", columns=["architecture", "training"], values="accuracy"
    )
    means = {name: wide.loc[list(rows)].mean() for name, rows in (MEANS | GROUPS).items()}
    return pd.concat([wide, pd.DataFrame(means).T])


def table_a1(accuracies: pd.DataFrame) -> pd.DataFrame:
    """Accuracy in per cent with its interval, a row a corruption, beside the paper's Table A1.

    `accuracies` as from ``measures.distorted.accuracy``, of trials ``with_means``.
    """
    paper = papers()
    rows = list(dict.fromkeys(accuracies["distortion"]))
    columns = {}
    for name, own in accuracies.groupby("network", sort=False):
        own = own.set_index("distortion")
        cells = [percent(*own.loc[r, ["accuracy", "low", "high"]]) for r in rows]
        columns[name, "here"] = cells
        key = (own["architecture"].iloc[0], own["training"].iloc[0])
        columns[name, "paper"] = paper.get(key, pd.Series(dtype=float)).reindex(rows).to_numpy()
    table = pd.DataFrame(columns, index=[TITLES.get(r, r) for r in rows])
    return table.round(1)


def gains(effects: pd.DataFrame) -> pd.DataFrame:
    """R's gain in accuracy, tidy: a row a corruption (or several), architecture and rival.

    `effects` as from ``evidence.corruptions.compared``. Columns `architecture`, `against`,
    `distortion`, `difference`, `low`, `high` (shares), `n`, and `paper`: Table A1's R - S in
    points, where it has one.
    """
    own = effects[effects["quantity"].str.startswith(ACCURACY)].reset_index(drop=True)
    named = {"effect": "difference"}
    table = own.rename(columns=named).assign(distortion=own["quantity"].str.removeprefix(ACCURACY))
    paper = papers()
    printed = [
        paper[a, "robust"].get(d) - paper[a, "standard"].get(d)
        if against == "standard" and (a, "robust") in paper and d in paper.index
        else np.nan
        for a, against, d in zip(table["architecture"], table["against"], table["distortion"],
                                 strict=True)
    ]  # fmt: skip
    columns = ["architecture", "against", "distortion", "difference", "low", "high", "n"]
    return table[columns].assign(paper=np.array(printed, float))


ACCURACY = "accuracy: "
"""What the quantities of ``evidence.corruptions`` begin with."""


def table_gains(gains: pd.DataFrame, rows: Sequence[str]) -> pd.DataFrame:
    """R's gain in points with its interval, beside the paper's: a row each of these corruptions.

    `gains` as from :func:`gains`; a column an architecture and rival.
    """
    columns = {}
    for (architecture, against), own in gains.groupby(["architecture", "against"], sort=False):
        own = own.set_index("distortion").reindex(rows)
        cells = [percent(r.difference, r.low, r.high) for r in own.itertuples()]
        rival = {"standard": "S"}.get(against, against)
        columns[architecture, f"R – {rival}"] = cells
        if own["paper"].notna().any():
            columns[architecture, "R – S, paper"] = own["paper"].round(1).to_numpy()
    return pd.DataFrame(columns, index=[TITLES.get(r, r) for r in rows])


def table_mce(errors: pd.DataFrame) -> pd.DataFrame:
    """mCE in per cent with its interval, a row a network, beside that of the paper's Table A1."""
    error = 100 - papers().loc[list(MAIN)]
    paper = 100 * error.div(error["AlexNet", "standard"], axis=0).mean()
    rows = [
        {
            "mCE (%)": percent(row.mce, row.low, row.high),
            "of n": row.n,
            "paper (%)": round(paper.get((row.architecture, row.training), np.nan), 1),
        }
        for row in errors.itertuples()
    ]
    return pd.DataFrame(rows, index=list(errors["network"]))


def paper_a1() -> pd.DataFrame:
    """The paper's Table A1 as printed, in per cent: a row a corruption, its mean row last."""
    order = reported("tableA1_corruptions")[["architecture", "training"]].drop_duplicates()
    shown = papers().loc[[*CORRUPTIONS, "mean"], list(order.itertuples(index=False, name=None))]
    return shown.set_axis([*TITLES.values(), "mean, as printed"]).round(2)


def audit_means() -> pd.DataFrame:
    """The mean row of Table A1 as printed, and what its rows average to, in per cent."""
    paper = papers()
    rows = {
        "mean, as printed": paper.loc["mean"],
        "mean of the 15": paper.loc["mean of 15"],
        "mean of all 19": paper.loc["mean of 19"],
        "mean of 18, without Spatter": paper.loc[[n for n in CORRUPTIONS if n != "spatter"]].mean(),
    }
    table = pd.DataFrame(rows).T
    order = reported("tableA1_corruptions")[["architecture", "training"]].drop_duplicates()
    return table[list(order.itertuples(index=False, name=None))].round(2)


def closest_mean() -> tuple[float, int]:
    """How far the mean row stays, at best, from the mean of any of Table A1's rows, in points.

    The largest miss over its columns, of the best of all sets of rows (one of 100 %, the clean
    images, may be among them), and how many rows that has.
    """
    paper = papers()
    rows = [*paper.loc[list(CORRUPTIONS)].to_numpy(), np.full(paper.shape[1], 100.0)]
    sums, counts = np.zeros((1, paper.shape[1]), np.float32), np.zeros(1, np.float32)
    for row in rows:
        sums = np.concatenate([sums, sums + row.astype(np.float32)])
        counts = np.concatenate([counts, counts + 1])
    means = sums[1:] / counts[1:, None]
    misses = np.abs(means - paper.loc["mean"].to_numpy(np.float32)).max(axis=1)
    return float(misses.min()), int(counts[1:][misses.argmin()])


def audit() -> str:
    """What is to be known about the numbers of the paper's Table A1: a Markdown list, computed."""
    means, rows = audit_means(), papers().loc[list(CORRUPTIONS)]
    same = [f"{TITLES[a]} and {TITLES[b]}" for a, b in combinations(rows.index, 2)
            if (rows.loc[a] == rows.loc[b]).all()]  # fmt: skip
    alike = [
        f"{TITLES[a]} and {TITLES[b]} of {' '.join(column)} ({rows.loc[a, column]:.2f})"
        for column in rows
        for a, b in combinations(rows.index, 2)
        if rows.loc[a, column] == rows.loc[b, column] and not (rows.loc[a] == rows.loc[b]).all()
    ]
    printed, others = means.iloc[0], means.iloc[1:]
    miss, size = closest_mean()
    clean = reported("table1_accuracy").set_index(["architecture", "training"])["clean"]
    above = (rows > clean.reindex(rows.columns)).to_numpy().sum()
    kinds = rows.loc[list(MAIN)].T.groupby(level="training").mean().mean(axis=1)
    architectures = list(dict.fromkeys(clean.index.get_level_values("architecture")))
    leads = {
        f"its {what}": [
            f"{a} {means.loc[row, (a, 'robust')] - means.loc[row, (a, 'standard')]:+.2f}"
            for a in architectures
        ]
        for what, row in (("mean row", "mean, as printed"), ("15 rows", "mean of the 15"))
    }
    said = "; ".join(f"by {what} {', '.join(values)}" for what, values in leads.items())
    implied = 19 * printed - rows.drop("spatter").sum()
    noise = rows.loc[list(GROUPS["noise"])].mean()
    noisy = [f"{a} {noise[a, 'robust'] - noise[a, 'standard']:+.1f}" for a in architectures]
    return "\n".join(
        [
            f'- It speaks of "15 types" and has {len(rows)} rows: the 15 of the benchmark and its '
            f"{len(rows) - len(MAIN)} extra ones.",
            f"- Rows that are the same in all {rows.shape[1]} columns: {'; '.join(same)}. One of "
            f"the two is a copying error. Besides, {listed(alike)} are equal.",
            "- Its mean row is not the mean of its rows: it is above the mean of the 15, of the "
            f"19 and of the 18 without Spatter in {(printed > others).all().sum()} of "
            f"{len(printed)} columns, by {(printed - others).min().min():.2f} to "
            f"{(printed - others).max().max():.2f} points. Of all sets of its rows, also with one "
            f"for clean images, the best ({size} rows) misses it by {miss:.2f} points.",
            "- Were Spatter alone wrong, its values would have to be "
            f"{', '.join(f'{v:.2f}' for v in implied)}: above every other row in "
            f"{(implied > rows.drop('spatter').max()).sum()} of {len(implied)} columns.",
            f"- {above} of {rows.size} values are above the network's clean accuracy (Table 1): "
            "they are on the correctly labelled images, as here, which the caption leaves out.",
            f"- Under noise R – S is {', '.join(noisy)} points: GoogLeNet stands out, and the "
            "text speaks of the other two.",
            '- "On average over all 15 distortion types, R models underperform": the mean over the '
            f"three architectures is {kinds['standard']:.2f} for S and {kinds['robust']:.2f} for "
            f"R. R – S is {said}.",
        ]
    )
