"""The further regimes as a whole: what is kept of them with the repository."""

from collections.abc import Iterable

import pandas as pd

from ..datasets import Dataset
from ..measures.routes import keep_points
from ..networks import Network, networks_there
from .studies import round_to_half


def ship(dataset: str = "pictograms", seeds: Iterable[int] = (0, 1, 2)) -> list[Network]:
    """The further networks that are there, rounded to half precision, as they are shipped."""
    networks = [n for n in networks_there(dataset, seeds) if n.further]
    for network in networks:
        if network.path().with_suffix(".json").exists():
            round_to_half(network)
    return networks


def routes(dataset: Dataset) -> pd.DataFrame:
    """``measures.routes.keep_points`` of all networks that are there."""
    return keep_points(networks_there(dataset.name), dataset)
