"""What a network loses with all channels of a concept: the importance of concepts (Fig. A11)."""

from collections.abc import Mapping, Sequence
from contextlib import ExitStack

import pandas as pd
import torch

from ...datasets import ImageSet, get_dataset
from ...distributed import add, shard
from ...hooks import ablate
from ...networks import Network, get_network
from ...results import cached, store
from ..stream import loaded, stream
from .detectors import unit_labels
from .dissect import dissect

VERSION = 1


def channels_of(dissected: pd.DataFrame) -> dict[str, dict[str, list[int]]]:
    """Concept -> layer -> the channels labelled with it, of one network's table."""
    labels = unit_labels(dissected).dropna(subset=["concept"])
    return {
        concept: own.groupby("layer", sort=False)["unit"].agg(list).to_dict()
        for concept, own in labels.groupby("concept")
    }


def accuracy_without(
    network: Network,
    images: ImageSet,
    *,
    channels: Mapping[str, Mapping[str, list[int]]],
    batch_size: int = 64,
) -> pd.DataFrame:
    """Top-1 accuracy when the channels of each concept are set to zero: a row a concept.

    Columns `concept`, `channels` (their number), `accuracy`, `drop` (against the network as it
    is) and `n` images with a label.
    """
    module = loaded(network)
    labels = torch.tensor(images.table["label"].tolist())
    sets = [{}, *channels.values()]

    def forward(x: torch.Tensor, rows: list[int]) -> torch.Tensor:
        found = []
        for chosen in sets:
            with torch.no_grad(), ExitStack() as stack:
                for layer, units in chosen.items():
                    stack.enter_context(ablate(module, network.layers[layer], units))
                found.append(module(x).argmax(1).cpu() == labels[rows])
        return torch.stack(found, 1)

    right, rows = torch.zeros(len(sets), dtype=torch.long), shard(range(len(images)))
    title = f"{network.name} without concepts"
    for _, own in stream(images, forward, rows=rows, batch_size=batch_size, label=title):
        right += own.sum(0)
    n = len(images)
    accuracy = add(right).double().numpy() / n
    many = [sum(map(len, chosen.values())) for chosen in sets[1:]]
    table = pd.DataFrame({"concept": list(channels), "channels": many, "accuracy": accuracy[1:]})
    return table.assign(drop=accuracy[0] - table["accuracy"], n=n)


def study(names: Sequence[str] = ("AlexNet", "AlexNet-R"), seed: int = 0) -> pd.DataFrame:
    """The concepts of these pictogram networks, those that cost most accuracy first.

    Channels are labelled on all images as Broden labels, by the paper's rule; accuracy is on the
    first 480 validation images, 30 a category. As :func:`accuracy_without` behind `network` and
    `category`; kept as ``data/results/pictograms/concept_importance.csv``. Some minutes.
    """
    data = get_dataset("pictograms")
    concepts = data.concept_sets["broden_like"]()
    images = data.images("validation").where("index < 480", "validation-480")
    category = concepts.concepts.set_index("name")["category"]
    tables = []
    for name in names:
        network = get_network(name, "pictograms", seed)
        found = channels_of(cached(dissect, network, concepts, permuted=5))
        table = accuracy_without(network, images, channels=found)
        table.insert(0, "network", name)
        table.insert(2, "category", table["concept"].map(category))
        tables.append(table.sort_values("drop", ascending=False, kind="stable"))
    table = pd.concat(tables, ignore_index=True)
    store(table, "pictograms", "concept_importance", {"networks": list(names), "seed": seed})
    return table
