"""Is the shape that networks read a configuration of parts, or the parts (Doshi et al. 2025)?

Objects with their parts in each other's places: as they are, texture kept, and without texture, so
that nothing but shape is left. And untextured ones with their parts in the places of another
category's, where parts and arrangement say different things.
"""

import pandas as pd

from ...datasets import Dataset, ImageSet
from ...networks import Network
from ..predictions import collect, collect_each
from ..schema import OBSERVER
from .reliance import INTACT

WHOLE, MOVED = "untextured", "untextured, parts moved"
TEXTURED = "parts moved"
ANOTHER = "untextured, another's places"

LOST = "arrangement"
"""What is lost where parts have moved."""

BOTH = {"untextured": (WHOLE, MOVED), "textured": (None, TEXTURED)}
"""Kind of object -> what it is called in ``Dataset.rearranged``, whole and with its parts moved.

None: as it is.
"""


def can_be_drawn(dataset: Dataset) -> bool:
    """Whether the dataset draws objects from parts."""
    return {WHOLE, MOVED, TEXTURED, ANOTHER} <= set(dataset.rearranged)


def parts_moved(networks: list[Network], dataset: Dataset, images: ImageSet) -> pd.DataFrame:
    """The trials on each `kind` of object, `without` "nothing", and without their "arrangement".

    Of one kind as ``reliance.lost`` takes them. Empty where the dataset cannot draw them.
    """
    by = ["without", "kind"]
    if not can_be_drawn(dataset):
        return pd.DataFrame(columns=[*OBSERVER, "imagename", "correct", *by])
    sets = {
        (cue, kind): dataset.rearranged[name](images) if name else images
        for kind, names in BOTH.items()
        for cue, name in zip((INTACT, LOST), names, strict=True)
    }
    return collect_each(networks, sets, by)


def parts_or_arrangement(
    networks: list[Network], dataset: Dataset, images: ImageSet
) -> pd.DataFrame:
    """The trials on objects of one category's parts in another's arrangement.

    Named as cue-conflict images are, the arrangement's category first: in ``schema.with_cues`` and
    ``shape_bias`` "shape" is the arrangement, "texture" the parts. Empty where the dataset cannot
    draw them.
    """
    if not can_be_drawn(dataset):
        return pd.DataFrame(columns=[*OBSERVER, "imagename", "object_response"])
    return collect(networks, dataset.rearranged[ANOTHER](images))
