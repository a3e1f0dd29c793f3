"""The paper's Table A1: accuracy under corruption, ours beside its, and what is odd about it."""

import numpy as np
import pandas as pd

from ..distortions.imagenet_c import CORRUPTIONS, MAIN
from ..measures.corruptions import GROUPS, MEANS
from ..results import reported
from . import percent, verdict

TITLES = {name: title for name, (title, _) in CORRUPTIONS.items()}
"""Corruption -> what it is called in tables and figures."""


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


def against_paper(differences: pd.DataFrame) -> pd.DataFrame:
    """The table of ``measures.distorted.differences`` with the paper's R - S, in `paper`."""
    paper = papers()
    lead = {
        (row.distortion, row.architecture): paper[row.architecture, "robust"].get(row.distortion)
        - paper[row.architecture, "standard"].get(row.distortion)
        for row in differences.itertuples()
        if (row.architecture, "robust") in paper and row.distortion in paper.index
    }
    keys = zip(differences["distortion"], differences["architecture"], strict=True)
    return differences.assign(paper=[lead.get(key, np.nan) for key in keys])


def table_leads(differences: pd.DataFrame) -> pd.DataFrame:
    """R's lead over S in points with its interval, beside the paper's: a row a distortion.

    `differences` as :func:`against_paper` returns them.
    """
    columns = {}
    for architecture, own in differences.groupby("architecture", sort=False):
        rows = [TITLES.get(d, d) for d in own["distortion"]]
        cells = [percent(r.difference, r.low, r.high) for r in own.itertuples()]
        columns[architecture, "R – S here"] = pd.Series(cells, rows)
        columns[architecture, "paper"] = pd.Series(own["paper"].round(1).to_numpy(), rows)
    return pd.DataFrame(columns)


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


def leads_hold(differences: pd.DataFrame, distortion: str, sign: int) -> str:
    """Whether R's lead over S on that distortion has the sign, here and in Table A1: Markdown.

    `differences` as :func:`against_paper` returns them.
    """
    own = differences[differences["distortion"] == distortion].set_index("architecture")
    if own.empty:
        return verdict({})
    here = verdict((sign * own["difference"] > 0).to_dict())
    paper = own["paper"].dropna()
    if paper.empty:
        return f"Here: {here} Table A1 has none of these networks."
    return f"Here: {here} In Table A1: {verdict((sign * paper > 0).to_dict())}"


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


def audit() -> str:
    """What is to be known about the numbers of the paper's Table A1: a Markdown list, computed."""
    means = audit_means()
    rows = papers().loc[list(CORRUPTIONS)]
    same = [
        f"{TITLES[a]} and {TITLES[b]}"
        for i, a in enumerate(rows.index)
        for b in rows.index[i + 1 :]
        if (rows.loc[a] == rows.loc[b]).all()
    ]
    printed, others = means.iloc[0], means.iloc[1:]
    clean = reported("table1_accuracy").set_index(["architecture", "training"])["clean"]
    above = (rows > clean.reindex(rows.columns)).to_numpy().sum()
    kinds = rows.loc[list(MAIN)].T.groupby(level="training").mean().mean(axis=1)
    leads = {
        f"its {what}": [
            f"{a} {means.loc[row, (a, 'robust')] - means.loc[row, (a, 'standard')]:+.2f}"
            for a in dict.fromkeys(clean.index.get_level_values("architecture"))
        ]
        for what, row in (("mean row", "mean, as printed"), ("15 rows", "mean of the 15"))
    }
    said = "; ".join(f"by {what} {', '.join(values)}" for what, values in leads.items())
    return "\n".join(
        [
            f'- It speaks of "15 types" and has {len(rows)} rows: the 15 of the benchmark and its '
            f"{len(rows) - len(MAIN)} extra ones.",
            f"- Rows that are the same in all {rows.shape[1]} columns: {'; '.join(same)}. One of "
            "the two is a copying error.",
            "- Its mean row is not the mean of its rows: it is above the mean of the 15, of the "
            f"19 and of the 18 without Spatter in {(printed > others).all().sum()} of "
            f"{len(printed)} columns, by {(printed - others).min().min():.2f} to "
            f"{(printed - others).max().max():.2f} points.",
            f"- {above} of {rows.size} values are above the network's clean accuracy (Table 1): "
            "they are on the correctly labelled images, as here, which the caption leaves out.",
            '- "On average over all 15 distortion types, R models underperform": the mean over the '
            f"three architectures is {kinds['standard']:.2f} for S and {kinds['robust']:.2f} for "
            f"R. R – S is {said}.",
        ]
    )
