"""How large each cue of an image is, in L2 norm, the measure in which attacks are bounded."""

from collections.abc import Iterable
from dataclasses import replace

import numpy as np
import pandas as pd

from .render import Factors, RenderSettings, factors, render


def cue_norms(
    split: str, rows: Iterable[int], settings: RenderSettings | None = None
) -> pd.DataFrame:
    """The L2 norm of each cue of these images: of what changes when the image is drawn without it.

    A row an image and cue: `index`, `whole`, `cue`, `norm`, of all 12,288 values in [0, 1], rounded
    to 8 bits. "figure_ground" is the object without texture against the background alone;
    "texture", "clutter" (where the object does not hide it) and "noise" are taken from the image
    as it is.
    """
    settings, table = settings or RenderSettings(), []
    for index in rows:
        f = factors(split, index, settings)
        image = _drawn(f, settings)
        flat = _drawn(f, replace(settings, texture_contrast=0.0))
        changes = {
            "figure_ground": flat - _drawn(f, replace(settings, texture_contrast=0.0), "ground"),
            "texture": image - flat,
            "clutter": image - _drawn(replace(f, clutter=()), settings),
            "noise": image - _drawn(f, replace(settings, noise=0.0)),
        }
        table += [(index, f.whole, cue, np.linalg.norm(c)) for cue, c in changes.items()]
    return pd.DataFrame(table, columns=["index", "whole", "cue", "norm"])


def validation_norms(n: int) -> pd.DataFrame:
    """The :func:`quartiles` of the first `n` validation images: `Dataset.cue_norms`."""
    return quartiles(cue_norms("validation", range(n)))


def quartiles(norms: pd.DataFrame) -> pd.DataFrame:
    """Median and quartiles of the norms by cue, of whole objects and of fragments.

    `norms` as from :func:`cue_norms`. Columns `cue`, `whole`, `low`, `median`, `high`, `n` images.
    """
    groups = norms.groupby(["cue", "whole"], sort=False)["norm"]
    table = groups.quantile([0.25, 0.5, 0.75]).unstack().set_axis(["low", "median", "high"], axis=1)
    return table.assign(n=groups.size()).reset_index()


def _drawn(f: Factors, settings: RenderSettings, paint: str = "natural") -> np.ndarray:
    return render(f, settings, paint) / 255
