"""What notebook 06 observes: what channels detect, under two labellings, and vary with."""

from collections.abc import Sequence

import pandas as pd

from ...datasets import Dataset
from ...datasets.concepts import ConceptSet
from ...networks import STYLIZED, Network, with_regimes
from .. import statistics
from ..dissection import intervals
from ..dissection.detectors import above_chance, some_images
from ..dissection.dissect import dissect
from ..dissection.labellings import cross_labels
from ..dissection.variance import FACTORS, variance_by_factor
from ..predictions import collect
from ..schema import OBSERVER, collected, with_cues

PERMUTED = 5
"""Permutations of the labels by which thresholds are calibrated; channels come on top of them."""

SETS = {
    "broden_like": "channels",
    "cue_conflict": "channels on cue conflict",
    "held_out": "channels on held-out textures",
}
"""Labelling -> what its quantities begin with."""


COMPARED = {("robust",): ("standard", "control"), ("sin",): ("standard", "sin-in")}
"""Trainings, and what they are held against: the second is Figure 7's."""


def labellings(data: Dataset, folder: str = "", n_images: int = 0) -> dict[str, ConceptSet]:
    """The labellings to dissect networks on, by name, that beside the paper's first.

    Those of the dataset, or the one of a `folder` in Broden's form. Of each at most `n_images`
    images, drawn at random; all if 0. ValueError where the dataset has no concepts.
    """
    if lacking(data, folder):
        raise ValueError(
            f"there are no concepts in {data.title}: give a folder of images with concepts, as "
            "Broden, as the parameter `concepts`"
        )
    if folder or not data.concept_sets:
        found = {"broden": data.concepts(folder)}
    else:
        found = {name: make() for name, make in data.concept_sets.items()}
    return {name: some_images(own, n_images) for name, own in found.items()}


def lacking(data: Dataset, folder: str = "") -> bool:
    """Whether there are no images with concepts."""
    return not (folder or data.concepts or data.concept_sets)


def dissected_on(
    networks: Sequence[Network], concepts: ConceptSet, rules: str = "default"
) -> pd.DataFrame:
    """Networks dissected on a labelling, with calibrated thresholds."""
    return collected(dissect, networks, concepts, rules=rules, permuted=PERMUTED)


def looks_at(networks: Sequence[Network]) -> list[Network]:
    """The networks, and those trained on stylized images whose weights are there."""
    return with_regimes(networks, trainings=STYLIZED)


def observations(
    networks: Sequence[Network], data: Dataset, n_images: int = 0, folder: str = "",
    rules: str = "default",
) -> pd.DataFrame:  # fmt: skip
    """Each channel of these networks, as the quantities of the claims see it.

    "channels: color" and so on, by the paper's rule (every channel by its label), "detectors:
    color" above calibrated thresholds, the first also on cue conflict and on held-out textures;
    "concepts a channel"; what object and part detectors read when cues conflict; and shares of
    variance. Those of labels have a column `drawn` (``intervals.indicators``). Networks trained on
    stylized images whose weights are there have the first, and "shape bias", as Figure 7 asks.
    `n_images` and `folder` as in :func:`labellings`; without concepts, a table without rows.
    """
    if lacking(data, folder):
        return pd.DataFrame(columns=["quantity", *OBSERVER, "unit", "value", "weight", "drawn"])
    sets = labellings(data, folder, n_images)
    tables = {name: dissected_on(networks, own, rules) for name, own in sets.items()}
    found = []
    for name, own in tables.items():
        title = SETS.get(name, "channels")
        kinds = list(dict.fromkeys(sets[name].concepts["category"]))
        found.append(_labels(own, kinds, title))
        if name == next(iter(tables)):
            found += [_labels(own, kinds, "detectors", "above chance"), _diversity(own)]
    first = next(iter(tables))
    if "cue_conflict" in tables and first != "cue_conflict":
        found.append(_read(tables[first], tables["cue_conflict"], sets[first]))
    if data.factorial is not None:
        found.append(_variance(collected(variance_by_factor, networks, data.factorial())))
    if styled := looks_at(networks)[len(networks) :]:
        kinds = list(dict.fromkeys(sets[first].concepts["category"]))
        found.append(_labels(dissected_on(styled, sets[first], rules), kinds, "channels"))
    table = pd.concat(found, ignore_index=True)
    table["unit"] = table["layer"] + " " + table["unit"].astype(str)
    if styled:
        alike = [n for n in networks if n.architecture in {s.architecture for s in styled}]
        table = pd.concat([table, _shape_bias([*alike, *styled], data)], ignore_index=True)
    return table


def compared(observations: pd.DataFrame) -> pd.DataFrame:
    """Effects: labels with images drawn again as well as channels, all else with channels.

    R, S and the control of one architecture and seed go on from one another: their channels are
    paired by number, and so are those of SIN and SIN+IN. SIN begins as S does.
    """
    if observations.empty:
        return pd.DataFrame(columns=list(statistics.EFFECTS))
    labels = observations["drawn"].fillna("").ne("")
    drawn, others = observations[labels], observations[~labels].drop(columns="drawn")
    parts = [
        compare(own, of, against)
        for own, compare in ((drawn, intervals.effects), (others, statistics.effects))
        for of, against in COMPARED.items()
    ]
    return pd.concat([part for part in parts if len(part)] or parts[:1], ignore_index=True)


_KEYS = [*OBSERVER, "layer", "unit"]


def _labels(
    dissected: pd.DataFrame, kinds: Sequence[str], title: str, rule: str = "all"
) -> pd.DataFrame:
    rows = intervals.indicators(dissected, kinds, rule)
    return rows.assign(quantity=title + ": " + rows["category"], weight=1.0).drop(
        columns="category"
    )


def _diversity(dissected: pd.DataFrame) -> pd.DataFrame:
    many = dissected.assign(value=dissected["iou"] >= 0.01).groupby(_KEYS, sort=False)["value"]
    return many.sum().reset_index().assign(quantity="concepts a channel", weight=1.0)


def _read(first: pd.DataFrame, then: pd.DataFrame, concepts: ConceptSet) -> pd.DataFrame:
    """What detectors of objects and parts, above chance in both, read when the cues conflict."""
    crossed = cross_labels(above_chance(first), above_chance(then), concepts.wears)
    cases = {
        "object channels that read its texture": ("object", "its texture"),
        "part channels that read its owner's texture": ("part", "its texture"),
        "part channels that read the part": ("part", "the same"),
    }
    found = []
    for quantity, (category, relation) in cases.items():
        weight = crossed["category"].eq(category) & crossed["relation"].ne("none")
        value = weight & crossed["relation"].eq(relation)
        facts = {"quantity": quantity, "value": value.astype(int), "weight": weight.astype(int)}
        found.append(crossed[_KEYS].assign(**facts))
    return pd.concat(found, ignore_index=True)


def _shape_bias(networks: Sequence[Network], data: Dataset) -> pd.DataFrame:
    cues = with_cues(collect(networks, data.images("cue_conflict")))
    facts = {"value": cues["decided"].eq("shape"), "weight": cues["decided"].ne("other")}
    table = cues[OBSERVER].assign(quantity="shape bias", unit=cues["imagename"])
    return table.assign(**{name: own.astype(float) for name, own in facts.items()})


def _variance(table: pd.DataFrame) -> pd.DataFrame:
    found = []
    for column in (*FACTORS, "shape_selectivity", "texture_selectivity"):
        name = f"variance by {column}" if column in FACTORS else column.replace("_", " ")
        own = table[_KEYS].assign(quantity=name, value=table[column], weight=1.0)
        found.append(own.dropna(subset=["value"]))
    return pd.concat(found, ignore_index=True)
