"""The same channels under two labellings: what an object detector reads when the cues conflict.

As Broden labels images, an object's texture has no label, so that a channel that reads it is
called a detector of the object. Where objects wear each other's textures, the two come apart.
"""

from collections.abc import Mapping, Sequence

import pandas as pd

from ..schema import OBSERVER
from .detectors import unit_labels

NOTHING = "none"
"""Of channels without a label."""

RELATIONS = ("the same", "its texture", "another", NOTHING)


def cross_labels(
    first: pd.DataFrame, second: pd.DataFrame, wears: Mapping[str, Sequence[str]]
) -> pd.DataFrame:
    """A row a channel with its labels under two labellings of images.

    `first` and `second` as from ``dissect.dissect`` (or ``detectors.above_chance``), collected of
    the same networks; `wears` maps an object or part to the textures that it wears in the images
    of `first`. Columns: the observer, `layer`, `unit`, `category` and `concept`, `then_category`
    and `then`, and the `relation` of the second concept to the first: "the same", "its texture"
    (that it wears), "another", or "none" where there is no second label. A category without a
    label is "none".
    """
    keys = [*OBSERVER, "layer", "unit"]
    columns = [*keys, "category", "concept"]
    own, then = (unit_labels(table)[columns] for table in (first, second))
    then = then.rename(columns={"category": "then_category", "concept": "then"})
    both = own.merge(then, on=keys, how="inner", validate="one_to_one")
    names = both["concept"].fillna("")
    worn = [then in wears.get(name, ()) for name, then in zip(names, both["then"], strict=True)]
    same = both["concept"].eq(both["then"]) & both["category"].eq(both["then_category"])
    relation = pd.Series("another", both.index)
    relation[pd.Series(worn, both.index, dtype=bool) & both["then_category"].eq("texture")] = (
        "its texture"
    )
    relation[same] = "the same"
    relation[both["then"].isna()] = NOTHING
    labels = {c: both[c].fillna(NOTHING) for c in ("category", "then_category")}
    return both.assign(relation=relation, **labels)


def destinations(crossed: pd.DataFrame) -> pd.DataFrame:
    """How many channels of a category go where under the second labelling.

    A row a network, `category` and `to`: the second label's category, "its texture" where it is the
    one that the first concept wears. `count` of the `n` channels of the category, and their
    `share`. Pairs that do not occur have no row.
    """
    to = crossed["then_category"].mask(crossed["relation"].eq("its texture"), "its texture")
    keys = [*OBSERVER, "category"]
    table = crossed.assign(to=to).groupby([*keys, "to"], sort=False).size().rename("count")
    table = table.reset_index()
    table["n"] = table.groupby(keys)["count"].transform("sum")
    return table.assign(share=table["count"] / table["n"])
