"""How strong noise and penalties are: by what they cost in clean accuracy, and by nothing else."""

from dataclasses import replace

import pandas as pd

from ..datasets import Dataset
from ..measures.predictions import collect
from ..networks import Network, get_network, network_names
from ..paths import RAW
from ..results import store, stored
from .images import images_for
from .loop import train
from .recipes import Recipe, recipe_of

ARCHITECTURE = "AlexNet"

SWEPT = {
    "noise": (0.125, 0.25, 0.29, 0.375),
    "smooth_filters": (0.1, 0.3, 1.0, 3.0),
    "smooth_gradients": (0.03, 0.1, 0.3, 1.0),
}
"""A field of the control's recipe -> the strengths in which it is tried."""

COSTS = {"noise": 1.0, "smooth-filters-weak": 0.1, "smooth-filters": 0.5,
         "smooth-gradients-weak": 0.1, "smooth-gradients": 0.5}  # fmt: skip
"""A regime -> what it should cost in clean accuracy, as a share of what R's attack costs."""


def strengths(dataset: Dataset, seed: int = 0) -> pd.DataFrame:
    """Clean accuracy of each strength of `SWEPT`: the control's recipe with that field alone.

    Columns: `field`, `strength`, top-1 accuracy `clean` on all validation images and their number
    `n`, and `cost`, the points that it is below the control's as a share of those that R's is. The
    first two rows are the control ("", 0) and R ("attack", its eps). No network is looked at in any
    other respect. Kept as ``data/results/<dataset>/strengths.csv``, after each network; networks
    that are no regime's under ``data/raw``. What was kept before is not trained again.
    FileNotFoundError where S, R or the control is not trained.
    """
    validation = dataset.images("validation")
    standard, control, robust = (
        get_network(ARCHITECTURE + suffix, dataset.name, seed) for suffix in ("", "-control", "-R")
    )
    recipe = recipe_of(dataset, ARCHITECTURE, "control")
    about = {n.training: n.checkpoint_hash() for n in (standard, control, robust)}
    about |= {"recipe": recipe.facts(), "images": validation.digest}
    jobs = [("", 0.0), ("attack", recipe_of(dataset, ARCHITECTURE, "robust").attack.eps)]
    jobs += [(field, strength) for field, tried in SWEPT.items() for strength in tried]
    kept = stored(dataset.name, "strengths", about).fillna({"field": ""}).to_dict("records")
    kept = {(row["field"], row["strength"]): row for row in kept}
    rows = [kept[job] for job in jobs if job in kept]
    for field, strength in (job for job in jobs if job not in kept):
        network = {"": control, "attack": robust}.get(field)
        network = network or _trained(dataset, standard, replace(recipe, **{field: strength}))
        trials = collect([network], validation)
        row = {"field": field, "strength": strength, "clean": trials["correct"].mean()}
        rows.append(row | {"n": len(trials)})
        table = pd.DataFrame(sorted(rows, key=lambda r: jobs.index((r["field"], r["strength"]))))
        clean = table["clean"].round(6)
        table["cost"] = ((clean[0] - clean) / (clean[0] - clean[min(1, len(rows) - 1)])).round(4)
        columns = ["field", "strength", "clean", "cost", "n"]
        store(table.assign(clean=clean)[columns], dataset.name, "strengths", about)
    return stored(dataset.name, "strengths", about).fillna({"field": ""})


def _trained(dataset: Dataset, standard: Network, recipe: Recipe) -> Network:
    """The network of a regime that is trained so, else one that is trained here."""
    known = network_names(dataset.name, further=True)
    for regime in COSTS:
        if (name := f"{ARCHITECTURE}-{regime}") in known:
            network = get_network(name, dataset.name, standard.seed)
            same = recipe_of(dataset, ARCHITECTURE, regime) == recipe
            if same and network.path().exists():
                return network
    tried = {f: getattr(recipe, f) for f in SWEPT if getattr(recipe, f)}
    (stem,) = (f"{field}-{strength:g}" for field, strength in tried.items())
    path = RAW / "strengths" / f"{stem}_seed{standard.seed}.safetensors"
    images = images_for(recipe, dataset)
    train(standard.build, images, recipe, path, standard.seed, standard.path(), stem)
    return replace(standard, name=stem, checkpoint=path)
