"""Images in which shape, texture and colour are crossed: each combination of levels once.

What a channel's responses to them vary with is then known exactly, without a regression: the
sums of squares of the three factors are orthogonal.
"""

import hashlib
import json
from dataclasses import replace
from functools import lru_cache, partial
from sys import modules

import numpy as np
import pandas as pd

from ...categories import CATEGORIES
from ...files import atomic, locked, sha256
from ...paths import RAW
from .. import ImageSet
from .images import definition, on_all_cores, source_hash
from .render import SIZE, TEXTURE_OF, RenderSettings, factors, render
from .textures import TEXTURES

VERSION = 1

SIGNS = {"light": (1, 1, 1), "red": (1, -1, -1), "green": (-1, 1, -1), "blue": (-1, -1, 1)}
"""The levels of colour: lighter (1) or darker than the background in red, green and blue.

Half of all combinations, so chosen that each channel is lighter in half of the images, whatever
the others are.
"""

COUNT = len(CATEGORIES) * len(TEXTURES) * len(SIGNS)

SETTINGS = RenderSettings()


def levels(index: int) -> tuple[str, str, str]:
    """Shape, texture and colour of an image: all combinations, the colour changing fastest."""
    pair, colour = divmod(index, len(SIGNS))
    shape, texture = divmod(pair, len(TEXTURES))
    return CATEGORIES[shape], tuple(TEXTURES)[texture], tuple(SIGNS)[colour]


def draw(rows: range) -> np.ndarray:
    """The images of these rows, uint8 (N, 3, SIZE, SIZE).

    Pose, background and clutter are drawn anew for each image, as in the cue-conflict images.
    """
    found = np.empty((len(rows), 3, SIZE, SIZE), np.uint8)
    for own, index in zip(found, rows, strict=True):
        shape, texture, colour = levels(index)
        f = factors("cue_conflict", 10_000 + index, SETTINGS)
        size = np.abs(f.colour - f.background)
        f = replace(f, category=shape, texture=texture,
                    colour=f.background + size * np.array(SIGNS[colour]))  # fmt: skip
        own[:] = render(f, SETTINGS)
    return found


@lru_cache(maxsize=1)
def factorial() -> ImageSet:
    """1,024 images with the columns `shape`, `texture` and `colour`, the factors."""
    import torch

    facts = [VERSION, definition("cue_conflict", SETTINGS, "natural"), SIGNS]
    digest = hashlib.sha256(json.dumps(facts).encode()).hexdigest()
    folder = RAW / "pictograms" / f"factorial-{digest[:12]}"
    path, note = folder / "pixels.npy", folder / "source.txt"
    with locked(folder):
        source = source_hash(modules[__name__])
        if not path.exists() or not note.exists() or note.read_text() != f"{source} {sha256(path)}":
            drawn = list(on_all_cores(partial(draw), COUNT, "drawing shape x texture x colour"))
            with atomic(path) as temporary:
                np.save(temporary, np.concatenate(drawn))
            with atomic(note) as temporary:
                temporary.write_text(f"{source} {sha256(path)}")
    pixels = torch.from_numpy(np.load(path))
    owners = {t: c for c, t in TEXTURE_OF.items()}
    rows = []
    for index in range(COUNT):
        shape, texture, colour = levels(index)
        name = f"factorial_{index:05d}_{shape}-{owners[texture]}.png"
        rows.append((name, shape, -1, shape, texture, colour))
    columns = ["imagename", "category", "label", "shape", "texture", "colour"]
    table = pd.DataFrame(rows, columns=columns)
    return ImageSet("factorial", table, lambda r: pixels[list(r)].float() / 255, digest)
