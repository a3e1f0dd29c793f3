"""The doubts on the published stimuli: what is kept with the repository, since these are not.

Facts that were computed on the images; no image is copied. To compute them again, give your copies:
``keep([network], ["cue-conflict"], "raw-data/cue-conflict", photographs, {})``.
"""

from collections.abc import Sequence
from pathlib import Path

import pandas as pd

from ...datasets import ImageSet
from ...datasets.cue_conflict import balanced, read_stimuli
from ...networks import Network
from ...results import store
from ..schema import OBSERVER, read_trials
from . import blur, consistency, frequency_conflict

SIGMAS = (0.0, 1.0, 1.5, 2.0, 3.0)
"""Pixels of the 224 of a stimulus."""

FACTORS = (1.0, 2.0, 3.0, 4.0)

CUTOFFS = (8, 12, 16, 24, 32, 48)
"""Cycles an image, of hybrids of photographs of 224 pixels."""

CEILING = "human with human"


def curves(networks: Sequence[Network], stimuli: ImageSet, photographs: ImageSet) -> pd.DataFrame:
    """``blur.curve`` of the networks on stimuli, and their accuracy on photographs with labels.

    `stimuli` says how many with a conflict, and of how many categories, these are.
    """
    conflict = balanced(stimuli, 0)
    categories = conflict.table["category"].nunique()
    tables = []
    for kind, levels in (("blur", SIGMAS), ("resizing", FACTORS)):
        shown = [
            blur.along(list(networks), images, kind, levels) for images in (conflict, photographs)
        ]
        tables.append(blur.curve(*shown))
    name = f"{len(conflict)} of {categories} categories"
    return pd.concat(tables, ignore_index=True).assign(stimuli=name)


def humans_and_networks(
    networks: Sequence[Network],
    stimuli: ImageSet,
    observers: str | Path,
    sigmas: Sequence[float] = (0.0, 1.0, 2.0),
) -> pd.DataFrame:
    """Error consistency of the networks, blurred too, with human observers, and of those.

    A row a group as ``consistency.pairwise`` gives it. The ceiling is the humans' on all images
    that they have seen, and on those that the networks have.
    """
    trials = blur.along(list(networks), balanced(stimuli, 0), "blur", tuple(sigmas))
    level = trials["level"].map(lambda s: f", blurred by {s:g} px" if s else "")
    seen = consistency.right_by_shape(trials.assign(network=trials["network"] + level))
    human = consistency.right_by_shape(read_trials(observers))
    people = list(human.columns)
    all_seen = human.join(seen, how="left")
    both = human.join(seen, how="inner")
    pairs = consistency.within(people)
    groups = {
        f"{name} with human": consistency.between([(name, seed)], people) for name, seed in seen
    }
    return pd.concat(
        [
            consistency.pairwise(all_seen, {f"{CEILING}, all stimuli": pairs}),
            consistency.pairwise(both, {CEILING: pairs} | groups),
        ],
        ignore_index=True,
    )


def hybrids(networks: Sequence[Network], photographs: ImageSet) -> pd.DataFrame:
    """The trials of the networks on hybrids of photographs of the stimuli's categories.

    What ``psychometric.curves`` and ``balance`` take; `imagename` says which categories are mixed.
    """
    trials = frequency_conflict.along(list(networks), photographs, CUTOFFS)
    return trials[[*OBSERVER, "imagename", "object_response", "axis", "level"]]


def keep(
    networks: Sequence[Network],
    folders: Sequence[str | Path],
    observers: str | Path,
    photographs: ImageSet,
    about: dict,
) -> list[Path]:
    """The paths of the tables, kept in ``data/results/imagenet`` as ``low_passed_stimuli.csv`` (of
    the stimuli in each folder), ``error_consistency.csv`` (of those in the first) and
    ``hybrid_photographs.csv``.

    `about` says whose images they were computed on.
    """
    sets = [read_stimuli(folder) for folder in folders]
    facts = about | {"networks": [n.name for n in networks], "stimuli": [s.digest for s in sets]}
    table = pd.concat([curves(networks, s, photographs) for s in sets], ignore_index=True)
    people = humans_and_networks(networks, sets[0], observers)
    return [
        store(table, "imagenet", "low_passed_stimuli", facts),
        store(people, "imagenet", "error_consistency", facts),
        store(hybrids(networks, photographs), "imagenet", "hybrid_photographs", facts),
    ]
