"""S and R as one network: a mixture of what both say (the paper's Sec. 5)."""

from collections.abc import Sequence
from functools import partial

import pandas as pd

from ..networks import Network
from ..networks.mixture import mixed

WEIGHTS = (0.0, 0.25, 0.5, 0.75, 1.0)
"""Of R in the mixture."""

COLUMNS = ("shape_bias", "clean", "adversarial", "corrupted")


def fused(s: Network, r: Network, weight: float) -> Network:
    """The network whose class probabilities are ``(1 - weight)`` times S's and `weight` times R's.

    A network like any other: an attack on it sees the mixture. ValueError unless both have the same
    classes and the weight is from 0 to 1.
    """
    if not 0 <= weight <= 1:
        raise ValueError(f"weight = {weight}: it is R's share, from 0 to 1")
    if (s.dataset, s.n_classes) != (r.dataset, r.n_classes):
        raise ValueError(f"{s.name} and {r.name} do not answer with the same classes")
    return Network(
        name=f"{s.name}+R {weight:g}",
        build=partial(mixed, s, r, weight),
        dataset=s.dataset,
        architecture=s.architecture,
        training=f"fusion {weight:g}",
        n_classes=s.n_classes,
        category_classes=s.category_classes,
        seed=s.seed,
        marker=s.marker,
    )


def against_single(mixtures: pd.DataFrame, singles: pd.DataFrame) -> pd.DataFrame:
    """Each mixture beside the best single network that is as accurate on clean images.

    Both have a row a network with `network`, `architecture`, `clean` and `adversarial`. Columns
    behind the mixture's: `single`, its name (the highest `adversarial` among those of the
    architecture whose `clean` is not below the mixture's), `single_clean`, `single_adversarial`,
    and `gain`, the mixture's `adversarial` less that. Missing where no single network is as
    accurate.
    """
    rows = []
    for row in mixtures.itertuples():
        able = singles[
            (singles["architecture"] == row.architecture) & (singles["clean"] >= row.clean)
        ]
        if able.empty:
            rows.append((None, float("nan"), float("nan")))
            continue
        best = able.loc[able["adversarial"].idxmax()]
        rows.append((best["network"], best["clean"], best["adversarial"]))
    found = pd.DataFrame(
        rows, columns=["single", "single_clean", "single_adversarial"], index=mixtures.index
    )
    gain = mixtures["adversarial"] - found["single_adversarial"]
    return pd.concat([mixtures, found.assign(gain=gain)], axis=1)


def mixtures(
    pairs: Sequence[tuple[Network, Network]], weights: Sequence[float] = WEIGHTS
) -> list[Network]:
    """The mixtures of each pair along the weights."""
    return [fused(s, r, weight) for s, r in pairs for weight in weights]
