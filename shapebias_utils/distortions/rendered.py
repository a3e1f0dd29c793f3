"""What only a dataset that draws its images can do to them: a record for each of its renditions."""

from typing import NoReturn

from ..datasets.pictograms.cues import RENDITIONS
from . import Distortion


def _undrawn() -> NoReturn:
    raise FileNotFoundError(
        "it changes what an image is drawn from, which photographs do not have; choose the dataset "
        "pictograms"
    )


DISTORTIONS = tuple(
    Distortion(
        name=rendition.name,
        title=rendition.title,
        apply=None,
        levels=rendition.levels,
        axis=rendition.axis,
        reference=f"keeps {rendition.keeps}; changes {rendition.changes}",
        needs=_undrawn,
    )
    for rendition in RENDITIONS
)
