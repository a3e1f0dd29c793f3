"""The trials of all experiments on the doubts, of one set of networks on one dataset."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import pandas as pd

from ...datasets import Dataset, ImageSet
from ...datasets.cue_conflict import balanced
from ...networks import Network
from ...networks.linear import linear
from ..evidence.smoothness import drawn
from ..schema import OBSERVER, collected
from ..smoothness.spectra import gradient_spectrum
from ..untrained import untrained
from . import balance, blur, configural, frequency_conflict, reliance, response
from .images import whole_objects

BY_RESPONSE = "frequency response"
"""How wide a blur is chosen, where not by accuracy."""


@dataclass(frozen=True)
class Trials:
    """The trials of all experiments, each made when first asked for, from cached responses.

    `networks` are S, R and controls, `dataset` where they are from; `per_pair` cue-conflict images
    of each pair of categories, `photographs` validation images and `objects` whole ones (0: all).
    """

    networks: Sequence[Network]
    dataset: Dataset
    conflict_images: ImageSet | None = None
    per_pair: int = 1
    photographs: int = 240
    objects: int = 240

    @cached_property
    def conflicts(self) -> ImageSet:
        """The images with conflicting cues: the dataset's own unless others are given."""
        images = self.conflict_images or self.dataset.images("cue_conflict")
        return balanced(images, self.per_pair)

    @cached_property
    def responding(self) -> pd.DataFrame:
        """How far S, R and controls respond to each spatial frequency: spectra of gradients."""
        return collected(gradient_spectrum, self.networks, drawn(self.dataset))

    @cached_property
    def equal_response(self) -> pd.DataFrame:
        """The blur behind which each responds to no higher frequencies than R."""
        return response.equal_response(self.responding)

    @cached_property
    def everyone(self) -> list[Network]:
        """The networks; S behind the blur by R's frequency response; untrained ones, of each
        architecture and seed; and a linear classifier.

        That is trained on the validation images that are not shown here, and left out where all
        are.
        """
        widths = self.equal_response.set_index(["network", "seed"])["level"].dropna()
        behind = [
            response.blurred(n, widths[n.name, n.seed]) for n in self.networks
            if n.training == "standard" and (n.name, n.seed) in widths
        ]  # fmt: skip
        everything = self.dataset.images("validation")
        shown = {*self.validation.table["imagename"], *self.objects_shown.table["imagename"]}
        rows = (~everything.table["imagename"].isin(shown)).to_numpy().nonzero()[0]
        rest = everything.subset(rows, f"{everything.name}_rest")
        seeds = {n.seed for n in self.networks}
        before = [n for n in untrained(self.networks, max(seeds) + 1) if n.seed in seeds]
        pixels = [linear(self.dataset, rest)] if len(rows) else []
        return [*self.networks, *behind, *before, *pixels]

    @cached_property
    def validation(self) -> ImageSet:
        """The validation images on which accuracy is measured."""
        return self.dataset.images("validation").evenly(self.photographs)

    @cached_property
    def low_passed(self) -> tuple[pd.DataFrame, pd.DataFrame]:
        """Trials along each kind of low pass: on conflict images, on validation images.

        S and R along all levels, the control along those of the blur, all others as images are.
        """
        trained = [n for n in self.everyone if n.training in ("standard", "robust", "control")]
        pairs = [n for n in trained if n.training != "control"]
        others = [n for n in self.everyone if n not in trained]
        wanted = [("blur", trained, blur.SIGMAS), ("blur", others, blur.SIGMAS[:1]),
                  ("resizing", pairs, blur.FACTORS)]  # fmt: skip
        found = [
            [blur.along(networks, images, kind, levels) for kind, networks, levels in wanted
             if networks]
            for images in (self.conflicts, self.validation)
        ]  # fmt: skip
        return tuple(pd.concat(tables, ignore_index=True) for tables in found)

    @cached_property
    def subsets(self) -> list[str]:
        """The parts of the validation images in which accuracies are compared, by their names.

        The dataset's first, all images as in Table 1, and its last: whole objects, where it has
        them.
        """
        names = list(self.dataset.subsets)
        return list(dict.fromkeys([names[0], names[-1]]))

    def _among(self, trials: pd.DataFrame, subset: str) -> pd.DataFrame:
        table = self.dataset.images("validation").table.query(self.dataset.subsets[subset])
        return trials[trials["imagename"].isin(table["imagename"])]

    @cached_property
    def curves(self) -> pd.DataFrame:
        """``blur.curve`` in each `subset` of the validation images; baselines have no curve."""
        conflict, photographs = self.low_passed
        tables = [
            blur.curve(conflict, self._among(photographs, subset)).assign(subset=subset)
            for subset in self.subsets
        ]
        return pd.concat(tables, ignore_index=True)

    @cached_property
    def equal(self) -> pd.DataFrame:
        """The level at which S, and the control, equal R: ``blur.equal_accuracy`` in each `subset`
        of the validation images, `by` that accuracy; and `by` frequency response, of all images."""
        tables = [
            blur.equal_accuracy(self._among(self.low_passed[1], subset)).assign(
                subset=subset, by=f"accuracy, {subset}"
            )
            for subset in self.subsets
        ]
        about = {"kind": "blur", "subset": self.subsets[0], "by": BY_RESPONSE}
        tables.append(self.equal_response.assign(**about)[[*OBSERVER, "level", *about]])
        return pd.concat(tables, ignore_index=True)

    @cached_property
    def conflict(self) -> pd.DataFrame:
        """The trials of everyone on the conflict images as they are."""
        trials = self.low_passed[0]
        first = (trials["kind"] == "blur") & (trials["level"] == blur.SIGMAS[0])
        return trials[first].reset_index(drop=True)

    @cached_property
    def objects_shown(self) -> ImageSet:
        """The whole objects that cues are taken from."""
        return whole_objects(self.dataset, self.objects)

    @cached_property
    def reliance(self) -> pd.DataFrame:
        """Trials without each cue, as ``reliance.without_each`` has them."""
        return reliance.without_each(self.everyone, self.dataset, self.objects_shown)

    @cached_property
    def alone(self) -> pd.DataFrame:
        """Trials on each cue alone, as ``balance.each_alone`` has them."""
        return balance.each_alone(self.everyone, self.dataset, self.objects_shown)

    @cached_property
    def moved(self) -> pd.DataFrame:
        """Trials on whole objects and with their parts moved, untextured and textured."""
        return configural.parts_moved(self.everyone, self.dataset, self.objects_shown)

    @cached_property
    def arranged(self) -> pd.DataFrame:
        """Trials on one category's parts in another's arrangement."""
        return configural.parts_or_arrangement(self.everyone, self.dataset, self.objects_shown)

    @cached_property
    def hybrids(self) -> pd.DataFrame:
        """Trials on hybrids of whole objects, along the cutoff."""
        return frequency_conflict.along(self.everyone, self.objects_shown)

    @cached_property
    def ranks(self) -> pd.DataFrame:
        """Reciprocal ranks of both cues' categories on the conflict images."""
        return balance.reciprocal_ranks(self.everyone, self.conflicts)
