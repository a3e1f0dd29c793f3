"""Pictogram-16: 16 categories, rendered 64x64, all factors known."""

from dataclasses import replace
from functools import partial
from pkgutil import resolve_name

from ...attacks import Attack
from ...categories import CATEGORIES
from .. import Dataset, ImageSet
from .concepts import concepts as labelled_images
from .cues import RENDITIONS
from .images import origins, pictograms
from .render import SIZE, RenderSettings
from .renditions import rendition


def conflict_at(level: float, setting: str) -> ImageSet:
    """The cue-conflict images with this setting at that level, all else as it is."""
    images = pictograms("cue_conflict", replace(RenderSettings(), **{setting: level}))
    return replace(images, name=f"cue_conflict-{setting}-{level:g}")


DATASET = Dataset(
    name="pictograms",
    title="Pictogram-16",
    size=SIZE,
    n_classes=16,
    category_classes={c: (i,) for i, c in enumerate(CATEGORIES)},
    images=partial(pictograms),
    attack=Attack(eps=1.0, step_size=0.25, steps=10),
    eps_grid=(0.0, 0.25, 0.5, 1.0, 1.5, 2.0, 2.5, 3.0),
    subsets={"all images": "index >= 0", "whole objects": "whole"},
    renditions={r.name: partial(rendition, paint=r.paint, settings=r.settings) for r in RENDITIONS}
    | {
        "stylized": partial(rendition, paint="stylized"),
        "silhouette": partial(rendition, paint="silhouette"),
        "silhouette_white": partial(rendition, paint="silhouette", inverted=True),
    },
    concepts=labelled_images,
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
    networks=lambda: resolve_name("shapebias_utils.networks.pictograms:NETWORKS"),
    recipes=lambda: resolve_name("shapebias_utils.training.recipes:PICTOGRAMS"),
    origins=origins,
)
