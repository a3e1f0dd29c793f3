"""Notebook 11: what the criticism since the paper leaves standing, doubt by doubt."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import pandas as pd

from ...datasets import Dataset
from ...networks import Network
from .. import statistics
from ..doubts import blur, consistency, reliance
from ..doubts.trials import BY_RESPONSE, Trials
from ..schema import OBSERVER, with_cues
from . import with_seeds

COLUMNS = ["quantity", *OBSERVER, "unit", "value", "weight"]

IDLE = ("shape bias", "coverage")
"""Quantities of R that are held against the untrained network as well."""

CONSTANTS = {
    "lost without local shape, less without texture": 0.0,
    "decided by arrangement": 0.5,
}
"""Quantities that are held against a number besides, for S as well as R."""

LOST = {"untextured": "lost without arrangement", "textured": "lost without arrangement, textured"}
"""Kind of object (``configural.BOTH``) -> the share of accuracy that goes with its arrangement."""


@dataclass(frozen=True)
class Doubts(Trials):
    """The trials of all experiments, and the quantities of the notebook's claims."""

    def as_kept(self) -> bool:
        """Whether effects over seeds are kept of the same images, or of more of them."""
        usual = Doubts((), self.dataset)
        sizes = [(getattr(self, n), getattr(usual, n)) for n in ("photographs", "objects")]
        same = self.conflict_images is None and self.per_pair == usual.per_pair
        return same and all(0 < own <= kept for own, kept in sizes)

    @cached_property
    def observations(self) -> pd.DataFrame:
        """All quantities of the notebook's claims: an observation table."""
        tables = [
            *self._of_blur(),
            _ratio("shape bias", with_cues(self.conflict)),
            _coverage(with_cues(self.conflict)),
            *self._of_balance(),
            *self._of_reliance(),
            *self._of_configuration(),
            _of_hybrids(with_cues(self.hybrids)),
            _named("error consistency", consistency.with_the_others(self.conflict)),
        ]
        return pd.concat(tables, ignore_index=True)[COLUMNS]

    def _of_blur(self) -> list[pd.DataFrame]:
        tables = []
        for (kind, by), wanted in self.equal.groupby(["kind", "by"], sort=False):
            found = blur.at_levels(self.low_passed[0], wanted, kind)
            name = "response" if by == BY_RESPONSE else "accuracy"
            of = "" if by == BY_RESPONSE else f": {wanted['subset'].iloc[0]}"
            tables.append(_ratio(f"shape bias at R's {name}, {kind}{of}", found))
        return tables

    def _of_balance(self) -> list[pd.DataFrame]:
        cues = with_cues(self.conflict)
        tables = [
            _share(f"decided by {cue}", cues, cues["decided"] == cue)
            for cue in ("shape", "texture")
        ]
        for cue, own in self.ranks.groupby("cue", sort=False):
            tables.append(_named(f"reciprocal rank of {cue}", own.assign(weight=1.0)))
        for cue, own in self.alone.groupby("cue", sort=False):
            tables.append(_share(f"right by {cue} alone", own, own["correct"]))
        return tables

    def _of_reliance(self) -> list[pd.DataFrame]:
        lost = reliance.lost(self.reliance)
        tables = [
            _named(f"lost without {cue}", own) for cue, own in lost.groupby("without", sort=False)
        ]
        if "local shape" not in set(lost["without"]):
            return tables
        wide = lost.pivot(
            index=[*OBSERVER, "imagename", "weight"], columns="without", values="value"
        )
        less = (wide["local shape"] - wide["texture"]).rename("value").reset_index()
        return [*tables, _named("lost without local shape, less without texture", less)]

    def _of_configuration(self) -> list[pd.DataFrame]:
        tables = [
            _named(LOST[kind], reliance.lost(own))
            for kind, own in self.moved.groupby("kind", sort=False)
        ]
        if len(self.arranged):
            tables.append(_ratio("decided by arrangement", with_cues(self.arranged)))
        return tables


def observations(networks: Sequence[Network], data: Dataset) -> pd.DataFrame:
    """An observation table of the notebook's quantities, baselines among the networks."""
    return Doubts(networks, data).observations


def shown(doubts: Doubts) -> pd.DataFrame:
    """The effects of these networks, or of their kind over seeds where such are kept."""
    found = compared(doubts.observations)
    if not doubts.as_kept():
        return found
    both = with_seeds("11", doubts.dataset, found)
    return both[both["architecture"].isin(found["architecture"])].reset_index(drop=True)


def compared(observations: pd.DataFrame) -> pd.DataFrame:
    """R against S, as it is and blurred, the control and the untrained network.

    Some quantities against a number as well.
    """
    idle = observations[observations["quantity"].isin(IDLE)]
    tables = [
        statistics.effects(observations),
        statistics.effects(observations, against=("blurred",)),
        statistics.effects(idle, against=("untrained",)),
    ]
    for quantity, constant in CONSTANTS.items():
        own = observations[observations["quantity"] == quantity]
        tables.append(statistics.against_constant(own, constant, of=("standard", "robust")))
    known = [table for table in tables if len(table)]  # an empty one would make numbers objects
    return pd.concat(known or tables[:1], ignore_index=True)


def _named(quantity: str, table: pd.DataFrame) -> pd.DataFrame:
    return table.assign(quantity=quantity).rename(columns={"imagename": "unit"})[COLUMNS]


def _ratio(quantity: str, cues: pd.DataFrame) -> pd.DataFrame:
    """The share decided by the first cue ("shape") among those by either."""
    value = (cues["decided"] == "shape").astype(float)
    weight = cues["decided"].isin(["shape", "texture"]).astype(float)
    return _named(quantity, cues.assign(value=value, weight=weight))


def _share(quantity: str, cues: pd.DataFrame, holds: pd.Series) -> pd.DataFrame:
    """The share of all images of which something holds."""
    return _named(quantity, cues.assign(value=holds.astype(float), weight=1.0))


def _coverage(cues: pd.DataFrame) -> pd.DataFrame:
    return _share("coverage", cues, cues["decided"].isin(["shape", "texture"]))


def _of_hybrids(cues: pd.DataFrame) -> pd.DataFrame:
    """The share decided by the low frequencies, pooled over cutoffs: a row a pair of images."""
    keys = [*OBSERVER, "imagename"]
    low = (cues["decided"] == "shape").astype(float)
    either = cues["decided"].isin(["shape", "texture"]).astype(float)
    pooled = cues.assign(value=low, weight=either).groupby(keys, sort=False)[["value", "weight"]]
    return _named("decided by low frequencies", pooled.sum().reset_index())
