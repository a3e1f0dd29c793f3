"""Which cue decides where they conflict (notebook 03), and how often each is read at all."""

from collections.abc import Sequence
from itertools import pairwise
from typing import TYPE_CHECKING

import pandas as pd

from ...datasets.cue_conflict import stimuli as read_stimuli
from ...networks import ADVPROP
from ..predictions import collect
from ..schema import OBSERVER, with_cues
from ..statistics import EFFECTS, against_constant, corrected, effects
from . import with_advprop

if TYPE_CHECKING:
    from ...datasets import Dataset
    from ...networks import Network

BIAS = "shape bias"
LEAST_STEP = "shape bias: least step from S over AdvProp to R"

ORDER = ("standard", *ADVPROP, "robust")
"""In which shape bias rises, says the paper: the more adversarial images in training, the more."""


looks_at = with_advprop


def observations(
    networks: "Sequence[Network]", data: "Dataset", stimuli: str = "", decision: str = "mean"
) -> pd.DataFrame:
    """What decided each conflict image: an observation table of four quantities.

    "shape bias" (among images decided by either cue), and of all conflict images the shares that
    are given their shape's category, their texture's, and either ("decided by a cue"). Of these
    networks, and of AdvProp's whose weights are there.
    """
    cues = with_cues(collect(looks_at(networks), read_stimuli(data, stimuli), decision=decision))
    by = {cue: (cues["decided"] == cue).astype(float) for cue in ("shape", "texture")}
    either = by["shape"] + by["texture"]
    chance = 1 / len(data.categories())
    quantities = {
        BIAS: (by["shape"], either, float("nan")),
        "given shape's category": (by["shape"], 1.0, chance),
        "given texture's category": (by["texture"], 1.0, chance),
        "decided by a cue": (either, 1.0, 2 * chance),
    }
    base = cues[OBSERVER].assign(unit=cues["imagename"])
    tables = [
        base.assign(quantity=quantity, value=value, weight=weight, chance=level)
        for quantity, (value, weight, level) in quantities.items()
    ]
    columns = ["quantity", *OBSERVER, "unit", "value", "weight", "chance"]
    return pd.concat(tables, ignore_index=True)[columns]


def compared(observations: pd.DataFrame) -> pd.DataFrame:
    """R against S and the control, the shape bias of S and of R against one half, and `ORDER`."""
    bias = observations[observations["quantity"] == BIAS]
    halves = against_constant(bias, 0.5, of=("standard", "robust"))
    steps = [effects(bias, (b,), (a,)) for a, b in pairwise(ORDER)]
    steps = pd.concat([s for s in steps if len(s)] or steps[:1], ignore_index=True)
    return pd.concat([effects(observations), halves, steps, least(steps)], ignore_index=True)


def least(steps: pd.DataFrame) -> pd.DataFrame:
    """The least step of `ORDER`: a row an architecture of which all four trainings are there.

    The order holds if all its steps are up, so the row has the lowest of their bounds and the
    largest of their p-values (an intersection-union test, which needs no correction for their
    number). It is refuted by any step down: then it has this step's, times the number of steps.
    Its levels are those of R and S.
    """
    rows = []
    for _, own in steps.groupby("architecture", sort=False):
        if len(own) < len(ORDER) - 1:
            continue
        by = own.set_index("training")
        first, last = by.loc[ORDER[1]], by.loc[ORDER[-1]]
        row = own.iloc[0].to_dict() | {"quantity": LEAST_STEP, "training": "robust"}
        row |= {c: own[c].min() for c in ("effect", "low", "high", "n", "seeds")}
        down = own["effect"].min() < 0
        worst = len(own) * own.loc[own["effect"].idxmin(), "p"] if down else own["p"].max()
        row |= {"p": min(worst, 1.0), "against": "standard"}
        for end in ("", "_low", "_high"):
            row[f"value{end}"], row[f"versus{end}"] = last[f"value{end}"], first[f"versus{end}"]
        rows.append(row)
    return corrected(pd.DataFrame(rows, columns=list(EFFECTS)))
