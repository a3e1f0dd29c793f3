"""Curves of training on images outside of it, by repeating the recipes."""

from collections.abc import Sequence

import pandas as pd

from ..datasets import Dataset
from ..networks import get_network, network_names
from ..paths import RAW
from ..results import store, stored
from .images import images_for
from .loop import train
from .watch import watch_for


def training_curves(
    dataset: Dataset, architectures: Sequence[str] = (), seed: int = 0
) -> pd.DataFrame:
    """The accuracies `clean` and `adversarial` after each epoch of the dataset's own recipes.

    For networks that were trained before runs were watched: each is trained once more, from the
    same seed, which on another machine ends in other last bits and so in somewhat other weights.
    They are kept under ``data/raw``, and the columns `architecture`, `training`, `seed`, `epoch`,
    `clean` and `adversarial` as ``data/results/<dataset>/training_curves.csv``, after each network.
    Of all architectures or of some, whose rows take the place of those kept before.
    """
    watch = watch_for(dataset)
    about = {"watched": watch.images.digest, "seed": seed}
    table = stored(dataset.name, "training_curves", about)
    for name in network_names(dataset.name):
        network = get_network(name, dataset.name, seed)
        if architectures and network.architecture not in architectures:
            continue
        folder = RAW / "curves" / dataset.name
        path = folder / f"{network.architecture}_{network.training}_seed{seed}.safetensors".lower()
        recipe = dataset.recipes()[network.architecture][network.training]
        start = None
        if recipe.start:  # which comes before it in the order of the names
            start = path.with_name(path.name.replace(network.training, recipe.start))
        label = f"{name}, seed {seed}, once more"
        images = images_for(recipe, dataset)
        train(network.build, images, recipe, path, seed, start, label, watch=watch)
        log = pd.read_csv(path.with_suffix(".csv"))[["epoch", "clean", "adversarial"]]
        of = {"architecture": network.architecture, "training": network.training, "seed": seed}
        if not table.empty:
            table = table[(table[list(of)] != pd.Series(of)).any(axis=1)]
        table = pd.concat([table, log.assign(**of)[[*of, *log.columns]]], ignore_index=True)
        store(table, dataset.name, "training_curves", about)
    return table
