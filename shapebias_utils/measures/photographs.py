"""What adversarial training moves on photographs: texture, shape, frequencies, over seeds and eps.

On pictograms texture is fine and can be told from shape by construction; photographs of 64 pixels
hold little fine texture. So the quantities of both papers are measured side by side, on networks
trained at two eps, against the standard network and against the control.
"""

from collections.abc import Sequence
from typing import TYPE_CHECKING

import pandas as pd

from ..distortions import distorted
from ..networks import Network
from .corruptions import labelled_by_all
from .predictions import collect
from .schema import OBSERVER, with_cues

if TYPE_CHECKING:
    from ..datasets import Dataset

TRANSFORMED = (
    ("low_frequencies", 8), ("high_frequencies", 4), ("noise", 0.16), ("saturation", 1024),
    ("scramble", 2), ("scramble", 4), ("scramble", 8),
)  # fmt: skip
"""(distortion, level): what is left of an image is coarse, is fine, or is out of place."""


def observations(networks: Sequence[Network], data: "Dataset") -> pd.DataFrame:
    """An observation table (``statistics``) of all that the networks are compared in.

    "shape bias" on the stimuli; "top-1", "categories" (top-1 of the categories) and "adversarial"
    (top-1 under the dataset's attack) on the validation images; top-1 on transformed images, of
    those that all networks of an architecture and seed label correctly, as "low_frequencies 8".
    """
    stimuli, images = data.images("cue_conflict"), data.images("validation")
    cues = with_cues(collect(networks, stimuli))
    decided = cues["decided"].isin(["shape", "texture"])
    found = [_rows("shape bias", cues, cues["decided"] == "shape", decided)]
    clean = collect(networks, images)
    found.append(_rows("top-1", clean, clean["correct"]))
    found.append(_rows("categories", clean, clean["object_response"] == clean["category"]))
    attacked = collect(networks, images, (data.attack,))
    found.append(_rows("adversarial", attacked, attacked["correct"]))
    for seed, own in clean.groupby("seed"):
        for architecture, names in labelled_by_all(own).items():
            theirs = [n for n in networks if (n.architecture, n.seed) == (architecture, seed)]
            rows = images.table["imagename"].isin(names).to_numpy().nonzero()[0]
            kept = images.subset(rows, f"{images.name}-labelled{len(rows)}")
            for name, level in TRANSFORMED if len(rows) else ():
                trials = collect(theirs, distorted(data, kept, name, level))
                found.append(_rows(f"{name} {level:g}", trials, trials["correct"]))
    return pd.concat(found, ignore_index=True)


def _rows(
    quantity: str, trials: pd.DataFrame, value: pd.Series, weight: pd.Series | None = None
) -> pd.DataFrame:
    table = trials[OBSERVER].assign(quantity=quantity, unit=trials["imagename"])
    weights = 1.0 if weight is None else weight.astype(float)
    return table.assign(value=value.astype(float), weight=weights)
