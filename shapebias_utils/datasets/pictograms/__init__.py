"""Pictogram-16: 16 categories, rendered 64x64, all factors known."""

from dataclasses import replace
from functools import partial
from pkgutil import resolve_name
from typing import TYPE_CHECKING

import numpy as np

from ...attacks import Attack
from ...categories import CATEGORIES
from .. import Dataset, ImageSet
from .broden_like import HELD_OUT_SWATCHES, broden_like
from .concepts import concepts as labelled_images
from .concepts import labelled
from .cues import RENDITIONS
from .factorial import factorial
from .images import definition, origins, pictograms
from .norms import validation_norms
from .notes import NOTES
from .regions import regions
from .render import SIZE, TEXTURE_OF, RenderSettings, factors, render
from .renditions import rearranged, rendition

if TYPE_CHECKING:
    from torch import Tensor


def conflict_at(level: float, setting: str) -> ImageSet:
    """The cue-conflict images with this setting at that level, all else as it is.

    Drawn as they are loaded: of a level only a few of the images are looked at.
    """
    import torch

    images, settings = pictograms("cue_conflict"), replace(RenderSettings(), **{setting: level})

    def load(rows):
        drawn = [render(factors("cue_conflict", row, settings), settings) for row in rows]
        return torch.from_numpy(np.stack(drawn)).float() / 255

    return replace(
        images,
        name=f"cue_conflict-{setting}-{level:g}",
        load=load if settings != RenderSettings() else images.load,
        digest=definition("cue_conflict", settings, "natural"),
        augment=None,
    )


def compose(shape: str, texture: str, pose: int = 0, **settings: float) -> "Tensor":
    """One image (3, 64, 64) of that shape wearing the texture of that category.

    `pose` is the number of a cue-conflict image: its pose, colours and background are kept whatever
    the two cues are. `settings` are those of `RenderSettings`.
    """
    import torch

    drawn = replace(RenderSettings(), **settings)
    kept = factors("cue_conflict", pose, drawn)
    mixed = replace(kept, category=shape, texture=TEXTURE_OF[texture])
    return torch.from_numpy(render(mixed, drawn)).float() / 255


DATASET = Dataset(
    name="pictograms",
    title="Pictogram-16",
    size=SIZE,
    n_classes=16,
    category_classes={c: (i,) for i, c in enumerate(CATEGORIES)},
    images=partial(pictograms),
    attack=Attack(eps=1.0, step_size=0.25, steps=10),
    eps_grid=(0.0, 0.25, 0.5, 1.0, 1.5, 2.0, 2.5, 3.0),
    subsets={"all images": "index >= 0", "fragments": "not whole", "whole objects": "whole"},
    renditions={r.name: partial(rendition, paint=r.paint, settings=r.settings) for r in RENDITIONS}
    | {
        "stylized": partial(rendition, paint="stylized"),
        "silhouette": partial(rendition, paint="silhouette"),
        "silhouette_white": partial(rendition, paint="silhouette", inverted=True),
    },
    rearranged={
        "local shape": partial(rearranged, paint="local_shuffled"),
        "global shape": partial(rearranged, paint="global_shuffled"),
        "parts moved": partial(rearranged, paint="parts_shuffled"),
        "texture on a blob": partial(rearranged, paint="texture_blob"),
        "untextured": partial(rearranged, paint="natural", flat=True),
        "untextured, parts moved": partial(rearranged, paint="parts_shuffled", flat=True),
        "untextured, another's places": partial(rearranged, paint="arranged_as_another", flat=True),
    },
    concepts=labelled_images,
    concept_sets={
        "broden_like": broden_like,
        "cue_conflict": partial(labelled, "cue_conflict"),
        "held_out": partial(broden_like, HELD_OUT_SWATCHES),
    },
    factorial=factorial,
    cue_axes={
        "texture contrast": (
            (0.0, 0.03, 0.06, 0.09, 0.125, 0.18, 0.25, 0.35, 0.5),
            partial(conflict_at, setting="texture_contrast"),
        ),
        "shape contrast": (
            (0.05, 0.1, 0.16, 0.23, 0.33, 0.5, 0.75),
            partial(conflict_at, setting="object_contrast"),
        ),
    },
    compose=compose,
    regions=regions,
    cue_norms=validation_norms,
    notes=NOTES,
    networks=lambda: resolve_name("shapebias_utils.networks.pictograms:ALL"),
    recipes=lambda: resolve_name("shapebias_utils.training.recipes:PICTOGRAMS"),
    origins=origins,
)
