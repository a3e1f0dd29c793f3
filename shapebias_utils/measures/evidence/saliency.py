"""Evidence for 09: accuracy without texture and without shape, and where saliency lies."""

from collections.abc import Sequence

import numpy as np
import pandas as pd

from ...datasets import Dataset, ImageSet
from ...datasets.cue_conflict import balanced
from ...networks import Network
from ...networks.randomised import TRAINING as RANDOMISED
from ...networks.randomised import randomised
from ...results import cached
from .. import saliency_scores as scores
from .. import statistics, transformed
from ..predictions import collect
from ..saliency_likeness import agreement
from ..schema import OBSERVER, attributed, collected, with_cues

ACCURACY_IMAGES, MASK_IMAGES, AGREEMENT_IMAGES, CUE_IMAGES = 128, 160, 64, 120
"""How many images each part looks at: what three minutes of one core allow."""

BY_TARGET = "contour: of the shape's class less of the texture's"
BY_DECISION = "contour, decided by "
AGREEMENT = "likeness to the map of S"


def whole(data: Dataset, n: int) -> ImageSet:
    """The first `n` validation images that show an object whole, where the dataset knows that."""
    query = list(data.subsets.values())[-1]
    return data.images("validation").where(query, f"validation_whole_{n}", n or None)


def observations(
    networks: Sequence[Network],
    data: Dataset,
    accuracy_images: int = ACCURACY_IMAGES,
    mask_images: int = MASK_IMAGES,
) -> pd.DataFrame:
    """All quantities of the notebook; see the functions below. 0 images: all there are."""
    trials = transformed.on_transformed(networks, data, whole(data, accuracy_images))
    maps = mask_scores(networks, data, mask_images)
    tables = [
        shape_bias(networks, data),
        transformed.observed(trials, chance=1 / data.n_classes),
        scores.on_zones(maps),
        scores.fineness(maps, data.size),
        agreements(networks, data),
        by_cue(networks, data),
    ]
    return pd.concat([t for t in tables if len(t)], ignore_index=True)


def compared(observations: pd.DataFrame) -> pd.DataFrame:
    """R (and every other training) against S, the control and the randomised network.

    S and the control against the randomised network too, and the two targets against no difference.
    """
    kinds = list(dict.fromkeys(observations["training"]))
    plain = [k for k in ("standard", "control") if k in kinds]
    other = [k for k in kinds if k not in (*plain, RANDOMISED)]
    targets = observations[observations["quantity"] == BY_TARGET]
    found = [
        statistics.effects(observations, other, (*plain, RANDOMISED)),
        statistics.effects(observations, plain, (RANDOMISED,)),
        statistics.against_constant(targets, 0, (*plain, *other)),
    ]
    return pd.concat([t for t in found if len(t)] or found[:1], ignore_index=True)


def mask_scores(
    networks: Sequence[Network], data: Dataset, n: int = MASK_IMAGES, **how: object
) -> pd.DataFrame:
    """The cached ``saliency_scores.scores`` of all networks, and of a randomised one for each S."""
    null = [randomised(n) for n in networks if n.training == "standard"]
    return collected(scores.scores, [*networks, *null], whole(data, n), **how)


def shape_bias(networks: Sequence[Network], data: Dataset) -> pd.DataFrame:
    """Shape bias on all cue-conflict images: decided by shape, of those decided by either cue."""
    trials = with_cues(collect(networks, data.images("cue_conflict")))
    facts = {"value": trials["decided"] == "shape", "weight": trials["decided"] != "other"}
    return _observed(trials, "shape bias", facts)


def agreements(
    networks: Sequence[Network], data: Dataset, n: int = AGREEMENT_IMAGES
) -> pd.DataFrame:
    """Rank correlation of a network's map with that of the S that it goes on from, by image."""
    standard = {(s.architecture, s.seed): s for s in networks if s.training == "standard"}
    tables = []
    for network in networks:
        s = standard.get((network.architecture, network.seed))
        if s is None or s.name == network.name:
            continue
        to = {"other": s.name, "checkpoint": s.checkpoint_hash()}
        tables.append(attributed(cached(agreement, network, whole(data, n), **to), network))
    table = pd.concat(tables or [pd.DataFrame(columns=[*OBSERVER, "imagename", "rank"])])
    table = table.dropna(subset="rank")
    return _observed(table, AGREEMENT, {"value": table["rank"], "weight": 1.0})


def by_cue(networks: Sequence[Network], data: Dataset, n: int = CUE_IMAGES) -> pd.DataFrame:
    """Whether saliency lies where the cue is, on cue-conflict images: shape on the contour.

    Of an image's logit of the shape's and of the texture's category: the contour's part of the
    saliency on the object. `BY_TARGET` is the difference of the two; `BY_DECISION` "shape" and
    "texture" the part for the category that the network decides for. Empty without masks.
    """
    if not data.regions:
        return pd.DataFrame()
    images = balanced(data.images("cue_conflict"), 1)
    images = images.subset(np.linspace(0, len(images) - 1, min(n, len(images))), f"conflicts_{n}")
    part = {
        cue: scores.contour_parts(
            collected(scores.scores, networks, images, of="logit", target=target)
        )
        for cue, target in (("shape", "category"), ("texture", "texture_category"))
    }
    both = part["shape"].merge(part["texture"], on=[*OBSERVER, "imagename"], suffixes=("_s", "_t"))
    tables = [
        _observed(both, BY_TARGET, {"value": both["share_s"] - both["share_t"], "weight": 1.0})
    ]
    said = with_cues(collect(networks, images))
    for cue, own in part.items():
        chosen = said.loc[said["decided"] == cue, [*OBSERVER, "imagename"]]
        own = own.merge(chosen, on=[*OBSERVER, "imagename"])
        tables.append(_observed(own, BY_DECISION + cue, {"value": own["share"], "weight": 1.0}))
    return pd.concat(tables, ignore_index=True)


def _observed(table: pd.DataFrame, quantity: str, facts: dict) -> pd.DataFrame:
    found = table[OBSERVER].assign(quantity=quantity, unit=table["imagename"], chance=np.nan)
    return found.assign(**facts).astype({"value": float, "weight": float})
