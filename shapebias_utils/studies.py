"""The two studies whose tables are kept with the repository, since they train many networks."""

from collections.abc import Iterable
from dataclasses import asdict, replace
from pathlib import Path

import pandas as pd

from .datasets import get_dataset
from .datasets.pictograms import Knobs, pictograms
from .measures.predictions import collect
from .measures.robustness import accuracy
from .measures.shape_bias import OBSERVER, shape_bias
from .networks import get_network, network_names
from .paths import RAW
from .results import store
from .training import RECIPES, train


def train_network(name: str, dataset: str = "pictograms", seed: int = 0) -> Path:
    """The checkpoint of the network, trained first (with what it goes on from) if it is not there.

    ValueError for an unknown name, or one for which the dataset has no recipe.
    """
    network = get_network(name, dataset, seed)
    try:
        recipe = RECIPES[dataset][network.architecture][network.training]
    except KeyError:
        raise ValueError(f"there is no recipe to train {name} on {dataset}") from None
    if network.path() is None or network.path().suffix != ".safetensors":
        raise ValueError(f"{name} has published weights, {network.path()}: not trained over")
    start = None
    if recipe.start:
        before = next(
            n
            for n in (get_network(k, dataset, seed) for k in network_names(dataset))
            if (n.architecture, n.training) == (network.architecture, recipe.start)
        )
        start = train_network(before.name, dataset, seed)
    images = get_dataset(dataset).images("train")
    label = f"{name}, seed {seed}"
    return train(network.build, images, recipe, network.path(), seed, start, label)


def seeds(values: Iterable[int] = (0, 1, 2), train_missing: bool = True) -> pd.DataFrame:
    """Shape bias and accuracy of the nine pictogram networks, for each seed they are trained from.

    Trains what is not there, or leaves it out. Columns: the observer, `shape_bias`, `low`, `high`,
    `n`, `shape`, `texture`, and top-1 `clean` and `adversarial` (the dataset's attack) on the whole
    objects of the validation images. Kept as ``data/results/pictograms/seeds.csv``.
    """
    dataset, networks = get_dataset("pictograms"), []
    for seed in values:
        for name in network_names("pictograms"):
            if train_missing:
                train_network(name, seed=seed)
            network = get_network(name, "pictograms", seed)
            if network.path().exists():
                networks.append(network)
    whole = dataset.images("validation").where("whole", "validation_whole")
    bias = shape_bias(collect(networks, dataset.images("cue_conflict")))
    table = accuracy(collect(networks, whole, (None, dataset.attack)))
    table = table.pivot(index=OBSERVER, columns="eps", values="accuracy")
    table.columns = ["clean", "adversarial"]
    table = bias.merge(table.reset_index(), on=OBSERVER)
    store(table, "pictograms", "seeds", {"attack": asdict(dataset.attack)})
    return table


def sensitivity(
    architecture: str = "AlexNet",
    contrasts: Iterable[float] = (0.09, 0.125, 0.16),
    eps: Iterable[float] = (0.0, 1.25, 2.5),
    seed: int = 0,
) -> pd.DataFrame:
    """Shape bias of one architecture against the texture contrast of the dataset and training eps.

    At eps 0 it is the standard network; the others go on from it by the robust recipe at that
    eps. Columns: `texture_contrast`, `eps`, then as in :func:`seeds`. Kept as
    ``data/results/pictograms/sensitivity.csv``; the networks under ``data/raw``.
    """
    recipes, tables = RECIPES["pictograms"][architecture], []
    standard = get_network(architecture, "pictograms", seed)
    contrasts, eps = list(contrasts), list(eps)
    if not eps or eps[0] != 0:
        raise ValueError("eps must begin with 0: the others go on from the standard network")
    for contrast in contrasts:
        knobs = replace(Knobs(), texture_contrast=contrast)
        start = None
        for bound in eps:
            recipe = recipes["standard"]
            if bound:
                attack = recipes["robust"].attack.scaled(bound)
                recipe = replace(recipes["robust"], attack=attack)
            network = _trained_already(architecture, knobs, recipe, seed)
            if network is None:
                path = (
                    RAW
                    / "sensitivity"
                    / f"{architecture}-{contrast}-{bound}-seed{seed}.safetensors"
                )
                label = f"contrast {contrast}, eps {bound}"
                train(standard.build, pictograms("train", knobs), recipe, path, seed, start, label)
                network = replace(
                    standard, name=f"{architecture}-{contrast}-{bound}", checkpoint=path
                )
            start = start or network.path()
            stimuli = pictograms("cue_conflict", knobs)
            table = shape_bias(collect([network], stimuli))
            whole = pictograms("validation", knobs).where("whole", f"validation_whole-{contrast}")
            clean = accuracy(collect([network], whole))["accuracy"]
            tables.append(table.assign(texture_contrast=contrast, eps=bound, clean=clean))
    table = pd.concat(tables, ignore_index=True)
    columns = [
        "texture_contrast",
        "eps",
        "shape_bias",
        "low",
        "high",
        "n",
        "shape",
        "texture",
        "clean",
    ]
    store(table[columns], "pictograms", "sensitivity", {"architecture": architecture, "seed": seed})
    return table[columns]


def _trained_already(architecture, knobs, recipe, seed):
    """The shipped network that this very run would give, if there is one."""
    if knobs != Knobs():
        return None
    for training, known in RECIPES["pictograms"][architecture].items():
        if known == recipe:
            suffix = {"standard": "", "robust": "-R", "control": "-control"}[training]
            network = get_network(architecture + suffix, "pictograms", seed)
            train_network(network.name, seed=seed)
            return network
    return None
