"""The studies whose tables are kept with the repository, since they train many networks."""

import json
from collections.abc import Iterable
from dataclasses import asdict, replace
from itertools import product
from pathlib import Path

import pandas as pd
from safetensors.torch import load_file, save

from ..datasets import get_dataset
from ..datasets.pictograms.images import SPLITS, RenderSettings, definition, pictograms
from ..files import atomic
from ..measures.predictions import collect, responses
from ..measures.robustness import accuracy
from ..measures.schema import OBSERVER
from ..measures.shape_bias import shape_bias
from ..networks import Network, get_network, network_names
from ..networks.checkpoints import file_hash
from ..paths import RAW
from ..results import store, stored
from .images import images_for
from .loop import train
from .recipes import PICTOGRAMS, recipe_of
from .watch import watch_for


def train_network(name: str, dataset: str = "pictograms", seed: int = 0) -> Path:
    """The checkpoint of the network, trained first (with what it goes on from) if it is not there.

    ValueError for an unknown name, or one for which the dataset has no recipe.
    """
    network = get_network(name, dataset, seed)
    try:
        recipe = recipe_of(get_dataset(dataset), network.architecture, network.training)
    except KeyError:
        raise ValueError(f"there is no recipe to train {name} on {dataset}") from None
    if network.path() is None or network.path().suffix != ".safetensors":
        raise ValueError(f"{name} has published weights, {network.path()}: not trained over")
    start = None
    if recipe.start:
        before = next(
            n
            for n in (get_network(k, dataset, seed) for k in network_names(dataset, further=True))
            if (n.architecture, n.training) == (network.architecture, recipe.start)
        )
        start = train_network(before.name, dataset, seed)
    record = get_dataset(dataset)
    images, label = images_for(recipe, record), f"{name}, seed {seed}"
    return train(
        network.build, images, recipe, network.path(), seed, start, label, watch=watch_for(record)
    )


def round_to_half(network: Network) -> None:
    """Keep the trained network in half precision: so it is shipped, and so it is measured.

    Its card then says what the file was `rounded_from` (SHA-256) and which share of the decisions
    on cue-conflict and validation images is kept, `decisions_kept`. Nothing happens to a network
    that is rounded already. ValueError where it would change more than 1 decision in 200.
    """
    path = network.path()
    card = path.with_suffix(".json")
    facts = json.loads(card.read_text())
    if "rounded_from" in facts:
        if file_hash(path) != facts["rounded_from"]:
            return
        # The card was written, and not the weights: whoever did it was killed between the two.
        facts["sha256"] = facts.pop("rounded_from")
        del facts["decisions_kept"]
        with atomic(card) as beside:
            beside.write_text(json.dumps(facts, indent=1) + "\n")
    rounded = network.load()
    for tensor in rounded.state_dict().values():
        if tensor.is_floating_point():
            tensor.copy_(tensor.half())
    dataset = get_dataset(network.dataset)
    half = replace(network, build=lambda: rounded, checkpoint=None)
    same = [
        responses(n, dataset.images(split))["prediction"]
        for n in (network, half)
        for split in ("cue_conflict", "validation")
    ]
    kept = float((pd.concat(same[:2]).to_numpy() == pd.concat(same[2:]).to_numpy()).mean())
    if kept < 0.995:
        raise ValueError(f"{path} would keep {kept:.1%} of its decisions in half precision")
    halved = {k: v.half() if v.is_floating_point() else v for k, v in load_file(path).items()}
    facts |= {"rounded_from": facts["sha256"], "decisions_kept": round(kept, 5)}
    with atomic(path) as temporary:
        temporary.write_bytes(save(halved))  # all that is in the file, also auxiliary branches
        facts["sha256"] = file_hash(temporary)
        with atomic(card) as beside:
            beside.write_text(json.dumps(facts, indent=1) + "\n")
    path.chmod(0o644)


def seeds(values: Iterable[int] = (0, 1, 2), train_missing: bool = True) -> pd.DataFrame:
    """Shape bias and accuracy of the nine pictogram networks, for each seed they are trained from.

    Rows that were kept before, of the same images, recipes and attack, are not computed again;
    what is not there is trained, or left out. Columns: the observer, `shape_bias`, `low`, `high`,
    `n`, `shape`, `texture`, and top-1 `clean` and `adversarial` (the dataset's attack) on the whole
    objects of the validation images. Kept as ``data/results/pictograms/seeds.csv``.
    """
    dataset = get_dataset("pictograms")
    about = _about() | {"attack": asdict(dataset.attack)}
    kept, networks = stored("pictograms", "seeds", about), []
    known = set() if kept.empty else set(zip(kept["network"], kept["seed"], strict=True))
    for seed in values:
        for name in network_names("pictograms"):
            if (name, seed) in known:
                continue
            if train_missing:
                train_network(name, seed=seed)
            network = get_network(name, "pictograms", seed)
            if network.path().exists():
                if seed:  # all seeds but the first are shipped in half precision
                    round_to_half(network)
                networks.append(network)
    if networks:
        whole = dataset.images("validation").where("whole", "validation_whole")
        bias = shape_bias(collect(networks, dataset.images("cue_conflict")))
        table = accuracy(collect(networks, whole, (None, dataset.attack)))
        table = table.pivot(index=OBSERVER, columns="eps", values="accuracy")
        table.columns = ["clean", "adversarial"]
        kept = pd.concat([kept, bias.merge(table.reset_index(), on=OBSERVER)], ignore_index=True)
    order = kept["network"].map(network_names("pictograms").index)
    kept = kept.assign(order=order).sort_values(["order", "seed"], ignore_index=True)
    kept = kept.drop(columns="order")
    store(kept, "pictograms", "seeds", about)
    return kept


def sensitivity(
    architecture: str = "AlexNet",
    contrasts: Iterable[float] = (0.09, 0.125, 0.16),
    eps: Iterable[float] = (0.0, 1.25, 2.5),
    seed: int = 0,
) -> pd.DataFrame:
    """Shape bias of one architecture against the texture contrast of the dataset and training eps.

    At eps 0 it is the standard network; the others go on from it by the robust recipe at that
    eps. What was kept before is not computed again. Columns: `texture_contrast`, `eps`, then as in
    :func:`seeds`. Kept as ``data/results/pictograms/sensitivity.csv``; the networks under
    ``data/raw``.
    """
    about = _about() | {"architecture": architecture, "seed": seed}
    kept = stored("pictograms", "sensitivity", about)
    known = set() if kept.empty else set(zip(kept["texture_contrast"], kept["eps"], strict=True))
    tables = [kept]
    for contrast, bound in product(contrasts, eps):
        if (contrast, bound) not in known:
            settings = replace(RenderSettings(), texture_contrast=contrast)
            network = _trained_at(architecture, settings, bound, seed)
            table = shape_bias(collect([network], pictograms("cue_conflict", settings)))
            whole = pictograms("validation", settings).where(
                "whole", f"validation_whole-{contrast}"
            )
            clean = accuracy(collect([network], whole))["accuracy"]
            tables.append(table.assign(texture_contrast=contrast, eps=bound, clean=clean))
    table = pd.concat(tables, ignore_index=True)[list(SENSITIVITY)]
    table = table.sort_values(["texture_contrast", "eps"], ignore_index=True)
    store(table, "pictograms", "sensitivity", about)
    return table


SENSITIVITY = (
    "texture_contrast", "eps", "shape_bias", "low", "high", "n", "shape", "texture", "clean",
)  # fmt: skip


CURVE = {"AlexNet": (0, 1, 2), "ResNet": (0,)}
"""Architecture -> the seeds from which it is trained along eps."""


def eps_curve(eps: Iterable[float] = (0.0, 0.25, 0.5, 1.0, 1.5, 2.5)) -> pd.DataFrame:
    """Shape bias and accuracy against the eps of training, which all start from the same S.

    At eps 0 it is the control, which trains for as long without an adversary. Columns: the
    observer, `eps`, `shape_bias`, `low`, `high`, `n`, `shape`, `texture`, and the top-1 accuracies
    `clean` and `adversarial` (the dataset's attack) on whole validation objects and `fragments`
    (clean) on the others. Kept as ``data/results/pictograms/eps_curve.csv``; the networks under
    ``data/raw``. What was kept before is not computed again.
    """
    dataset = get_dataset("pictograms")
    about = _about() | {"attack": asdict(dataset.attack)}
    kept = stored("pictograms", "eps_curve", about)
    keys = ["architecture", "seed", "eps"]
    known = set() if kept.empty else set(kept[keys].itertuples(index=False, name=None))
    validation, tables = dataset.images("validation"), [kept]
    whole = validation.where("whole", "validation_whole")
    fragments = validation.where("not whole", "validation_fragments")
    for architecture, bound in product(CURVE, eps):
        for seed in CURVE[architecture]:
            if (architecture, seed, bound) in known:
                continue
            if bound:
                network = _trained_at(architecture, RenderSettings(), bound, seed)
            else:
                network = get_network(f"{architecture}-control", "pictograms", seed)
            table = shape_bias(collect([network], dataset.images("cue_conflict")))
            trials = {
                "clean": collect([network], whole),
                "adversarial": collect([network], whole, (dataset.attack,)),
                "fragments": collect([network], fragments),
            }
            table = table.assign(eps=bound, **{k: t["correct"].mean() for k, t in trials.items()})
            tables.append(table)
    table = pd.concat(tables, ignore_index=True).sort_values(keys, ignore_index=True)
    store(table, "pictograms", "eps_curve", about)
    return table


def _about() -> dict:
    """What the rows of a study depend on, besides its own parameters."""
    recipes = {a: {t: r.facts() for t, r in of.items()} for a, of in PICTOGRAMS.items()}
    splits = {split: definition(split, RenderSettings(), "natural") for split in SPLITS}
    return {"recipes": recipes, "images": splits}


def _trained_at(architecture: str, settings: RenderSettings, eps: float, seed: int) -> Network:
    """The network trained at that eps (0: standard) on pictograms of those settings."""
    standard, recipes = get_network(architecture, "pictograms", seed), PICTOGRAMS
    recipe, start = recipes[architecture]["standard"], None
    if eps:
        robust = recipes[architecture]["robust"]
        recipe = replace(robust, attack=robust.attack.scaled(eps))
        start = _trained_at(architecture, settings, 0.0, seed).path()
    if settings == RenderSettings():  # then it may be one of those that are there anyway
        for name in network_names("pictograms"):
            network = get_network(name, "pictograms", seed)
            if recipes[architecture].get(network.training) == recipe:
                if network.architecture == architecture:
                    train_network(name, seed=seed)
                    return network
    stem = f"{architecture}-{settings.texture_contrast}-{eps}"
    path = RAW / "sensitivity" / f"{stem}-seed{seed}.safetensors"
    label = f"contrast {settings.texture_contrast}, eps {eps}"
    train(standard.build, pictograms("train", settings), recipe, path, seed, start, label)
    return replace(standard, name=stem, checkpoint=path)
