"""Pictogram-16: 16 categories, rendered 64x64, all factors known."""

from functools import partial
from pkgutil import resolve_name

from ...attacks import Attack
from ...categories import CATEGORIES
from .. import Dataset
from .concepts import concepts as labelled_images
from .cues import RENDITIONS
from .images import origins, pictograms
from .render import SIZE
from .renditions import rendition

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
    networks=lambda: resolve_name("shapebias_utils.networks.pictograms:NETWORKS"),
    recipes=lambda: resolve_name("shapebias_utils.training.recipes:PICTOGRAMS"),
    origins=origins,
)
