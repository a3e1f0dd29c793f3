"""What notebook 08 rests on: accuracy on each corruption, image by image, and its frequencies."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

import pandas as pd

from ...networks import Network
from ..corruption_spectra import gain_by_frequency, high_shares
from ..corruptions import (
    GROUPS,
    MEANS,
    labelled_by_all,
    on_corrupted,
    over_severities,
    sampled,
    with_means,
)
from ..corruptions_kept import kept_trials
from ..predictions import collect
from ..schema import OBSERVER
from ..statistics import effects

if TYPE_CHECKING:
    from ...datasets import Dataset

SPECTRA = 48
"""Images on which a corruption's frequencies are measured; its share hardly depends on them."""


LIVE = 40
"""Images of each architecture where no decisions are kept: what two minutes of one core do."""


def subsets(networks: Sequence[Network], data: "Dataset", n: int = 0) -> dict[str, pd.Index]:
    """Architecture -> the images that all its networks label correctly when clean, `n` of them.

    0 takes as many as are kept of every one of these networks (`shapebias study corruptions`), or
    `LIVE` where nothing is.
    """
    images = data.images("validation")
    if not n:
        shown = kept_trials(networks, data, images).groupby("network")["imagename"].nunique()
        n = int(shown.reindex([network.name for network in networks], fill_value=0).min()) or LIVE
    return sampled(labelled_by_all(collect(networks, images)), n)


def shares(data: "Dataset", n: int = SPECTRA) -> pd.DataFrame:
    """The corruptions' shares of high frequencies, on the first `n` validation images."""
    images = data.images("validation")
    return high_shares(data, images.subset(range(min(n, len(images))), f"validation_first_{n}"))


def trials(networks: Sequence[Network], data: "Dataset", n: int = 0) -> pd.DataFrame:
    """The decisions of networks, of one seed or of several, on their :func:`subsets`, corrupted."""
    images, tables = data.images("validation"), []
    for seed in dict.fromkeys(network.seed for network in networks):
        own = [network for network in networks if network.seed == seed]
        tables.append(on_corrupted(own, data, images, subsets(own, data, n)))
    return pd.concat(tables, ignore_index=True)


def observations(networks: Sequence[Network], data: "Dataset", n: int = 0) -> pd.DataFrame:
    """Accuracy by corruption, kind of corruption and mean: a row a network and image.

    Means over severities (and corruptions). `high` is the corruption's share of high frequencies,
    0 in rows of several corruptions.
    """
    return accuracies(trials(networks, data, n), data, shares(data))


def accuracies(found: pd.DataFrame, data: "Dataset", spectra: pd.DataFrame) -> pd.DataFrame:
    """The observation table of trials (see :func:`observations`)."""
    table = with_means(over_severities(found), GROUPS | MEANS)
    keys = [*OBSERVER, "distortion", "imagename"]
    table = table.groupby(keys, sort=False)["correct"].mean().rename("value").reset_index()
    high = spectra.groupby("distortion")["high"].mean()
    facts = {"quantity": "accuracy: " + table["distortion"], "unit": table["imagename"]}
    facts |= {"weight": 1.0, "chance": 1 / data.n_classes}
    return table.assign(**facts, high=table["distortion"].map(high).fillna(0.0))


def compared(observations: pd.DataFrame) -> pd.DataFrame:
    """R against S and the control by quantity, and whether its gain follows high frequencies."""
    single = observations[observations["high"] > 0]
    spectra = single[["distortion", "high"]].drop_duplicates()
    follows = gain_by_frequency(single.rename(columns={"value": "correct"}), spectra)
    found = effects(observations)
    return pd.concat([found, follows], ignore_index=True) if len(follows) else found
