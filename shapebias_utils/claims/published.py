"""The paper's statements about its own tables, recomputed from these tables (``data/reported``).

Each statement is a record and a function of the printed numbers; where they do not bear it out, the
reader should know before a verdict of ours is held against it.
"""

from collections.abc import Callable
from dataclasses import dataclass

import pandas as pd

from ..distortions.imagenet_c import MAIN
from ..results import reported

ARCHITECTURES = ("AlexNet", "GoogLeNet", "ResNet")


@dataclass(frozen=True)
class Statement:
    """A statement of the paper, and `check()`: a row a case that it is about.

    Columns `case` (an architecture), `printed` (the number that it rests on) and `holds`.
    """

    key: str
    statement: str
    section: str
    check: Callable[[], pd.DataFrame]


def _lead(table: str, value: str, query: str = "index >= 0") -> pd.Series:
    """R - S of each architecture in a printed table."""
    rows = reported(table).query(query)
    wide = rows.pivot(index="architecture", columns="training", values=value)
    return (wide["robust"] - wide["standard"]).reindex(ARCHITECTURES)


def _holds(numbers: pd.Series, holds: Callable[[pd.Series], pd.Series]) -> pd.DataFrame:
    table = numbers.rename("printed").rename_axis("case").reset_index()
    return table.assign(holds=holds(table["printed"]).to_numpy(bool))


def _above(distortion: str) -> Callable[[], pd.DataFrame]:
    query = f"distortion == '{distortion}'"
    return lambda: _holds(_lead("table3_distortions", "accuracy", query), lambda lead: lead > 0)


def _corruptions() -> pd.DataFrame:
    return reported("tableA1_corruptions").pivot(
        index="distortion", columns=["architecture", "training"], values="accuracy"
    )


def _mean_row() -> pd.DataFrame:
    """The printed mean less that of the printed rows, the closer one of 15 and of all."""
    wide = _corruptions()
    rows = wide.drop(index="mean")
    candidates = [rows.loc[rows.index.isin(MAIN)].mean(), rows.mean()]
    misses = pd.concat([wide.loc["mean"] - mean for mean in candidates], axis=1)
    closest = misses.abs().min(axis=1)
    closest.index = [" ".join(key) for key in closest.index]
    return _holds(closest, lambda miss: miss < 0.01)


def _same_rows(first: str, second: str) -> Callable[[], pd.DataFrame]:
    """Whether two corruptions have numbers of their own: in how many columns they are the same."""

    def check() -> pd.DataFrame:
        wide = _corruptions()
        same = int((wide.loc[first] == wide.loc[second]).sum())
        return _holds(pd.Series({f"of {wide.shape[1]} networks": same}), lambda n: n == 0)

    return check


def _noisier() -> pd.DataFrame:
    wide = _corruptions()
    lead = {a: (wide[a, "robust"] - wide[a, "standard"])[list(MAIN)].mean() for a in ARCHITECTURES}
    return _holds(pd.Series(lead), lambda mean: mean < 0)


def _adversarial_column() -> pd.DataFrame:
    table = reported("table3_distortions").query("distortion == 'adversarial'")
    whole = reported("table1_accuracy").set_index(["architecture", "training"])["adversarial"]
    own = table.set_index(["architecture", "training"])["accuracy"]
    difference = (own - whole.reindex(own.index)).abs()
    difference.index = [" ".join(key) for key in difference.index]
    return _holds(difference, lambda d: d > 0)


def _sums() -> pd.DataFrame:
    table = reported("table2_shape_bias")
    sums = (table["texture"] + table["shape"]).round(2)
    sums.index = table["architecture"] + " " + table["training"]
    return _holds(sums, lambda total: total == 100)


def _ratio() -> pd.DataFrame:
    table = reported("table3_distortions").query("distortion == 'scramble'")
    wide = table.pivot(index="architecture", columns="training", values="accuracy")
    ratio = (wide["standard"] / wide["robust"]).reindex(ARCHITECTURES)
    return _holds(ratio, lambda r: r.round(1).ge(1.6) & r.round(2).le(2.04))


def _number_of_types() -> pd.DataFrame:
    types = len(_corruptions().drop(index="mean"))
    return _holds(pd.Series({"rows of the table": types}), lambda n: n == len(MAIN))


STATEMENTS = (
    Statement("smoother filters", "filters of R are smoother on average", "3.3.1, Table 4",
              lambda: _holds(_lead("table4_total_variation", "mean_tv"), lambda d: d < 0)),
    Statement("stylized", "R is consistently ahead on stylized images", "3.2.2, Table 3d",
              _above("stylized")),
    Statement("black and white", "R is consistently ahead on black-and-white images",
              "3.2.2, Table 3e", _above("black_and_white")),
    Statement("silhouettes", "R is consistently ahead on silhouettes", "3.2.2, Table 3f",
              _above("silhouette_white")),
    Statement("scrambled ratio", "S is 1.6 to 2.04 times as accurate on scrambled images",
              "3.2.1, Table 3c", _ratio),
    Statement("adversarial on CL", "Table 3's adversarial column is over the correctly labelled "
              "images, so it differs from Table 1's", "Table 3b", _adversarial_column),
    Statement("shares add up", "texture and shape decisions add up to 100 %", "Table 2", _sums),
    Statement("corruption types", "ImageNet-C has 15 types of corruption here", "Table A1",
              _number_of_types),
    Statement("mean of corruptions", "the mean row is the mean of the rows above it, of 15 or of "
              "19", "Table A1", _mean_row),
    Statement("spatter", "spatter has numbers of its own, not those of Gaussian blur", "Table A1",
              _same_rows("spatter", "gaussian_blur")),
    Statement("impulse noise", "impulse noise has numbers of its own, not those of Gaussian noise",
              "Table A1", _same_rows("impulse_noise", "gaussian_noise")),
    Statement("worse on corruptions", "R is worse than S on corruptions on average", "Table A1",
              _noisier),
)  # fmt: skip
"""What the paper says of its own numbers, in its order."""


def audit() -> pd.DataFrame:
    """All statements, a row a case: `claim`, `statement`, `section`, `case`, `printed`, `holds`."""
    tables = [
        s.check().assign(claim=s.key, statement=s.statement, section=s.section) for s in STATEMENTS
    ]
    columns = ["claim", "statement", "section", "case", "printed", "holds"]
    return pd.concat(tables, ignore_index=True)[columns]
