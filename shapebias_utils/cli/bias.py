"""``shapebias bias``."""

from pathlib import Path
from typing import Annotated

import typer

from .printing import shown, table


def bias(
    names: Annotated[
        list[str], typer.Argument(metavar="NAME...", help="Registered or published networks.")
    ],
    stimuli: Annotated[
        str, typer.Option(help="Folder of cue-conflict images; else the dataset's.")
    ] = "",
    dataset: Annotated[str, typer.Option(help="Whose networks and stimuli.")] = "imagenet",
    own_networks: Annotated[
        str, typer.Option(help="Python file that registers networks of your own.")
    ] = "",
    stimuli_transform: Annotated[
        str, typer.Option(help="native: as they are; preset: resized, cropped by its library's.")
    ] = "native",
    decision: Annotated[
        str, typer.Option(help="A category's probability from its classes: mean, max or sum.")
    ] = "mean",
    fetch: Annotated[
        bool, typer.Option("--fetch", help="Download the weights that are not here.")
    ] = False,
    out: Annotated[Path | None, typer.Option(help="Folder of the trials, else build/bias.")] = None,
) -> None:
    """Say how much networks go by shape where shape and texture conflict, and keep their trials.

    Shape bias with its 95 % interval over images, and with its coverage: of n conflict images, so
    many were decided by shape, by texture, by neither. The trials are written in the form of
    model-vs-human, a file a network. Nothing is downloaded without --fetch.

    \b
    shapebias bias torchvision:resnet50/IMAGENET1K_V1 --stimuli path/to/cue-conflict
    shapebias bias timm:resnet50.a1_in1k hf:microsoft/resnet-50@REVISION --fetch
    shapebias bias AlexNet AlexNet-R --dataset pictograms
    """
    from ..datasets import get_dataset
    from ..datasets.cue_conflict import stimuli as read_stimuli
    from ..measures.predictions import collect
    from ..measures.schema import write_trials
    from ..measures.shape_bias import shape_bias
    from ..networks import adapters, get_networks, register_from
    from ..networks.presets import seen_through
    from ..paths import BUILD

    register_from(own_networks)
    published = [name for name in names if ":" in name]
    for name in published if fetch else ():
        if not adapters.is_here(name):
            adapters.fetch(name)
    networks = seen_through(get_networks(dataset, names), stimuli_transform)
    for name in published:
        print(f"{name}: {adapters.described(name)}")
    images = read_stimuli(get_dataset(dataset), stimuli)
    trials = collect(networks, images, decision=decision)
    trials = trials.assign(stimuli_transform=stimuli_transform, decision=decision)
    rows = [
        ("network", "shape bias", "95 % interval", "n", "shape", "texture", "neither", "stimuli")
    ]
    for r in shape_bias(trials).itertuples():
        neither = r.n - r.shape - r.texture
        counts = (str(k) for k in (r.n, r.shape, r.texture, neither))
        interval = f"{100 * r.low:.1f} to {100 * r.high:.1f}"
        rows.append(
            (r.network, f"{100 * r.shape_bias:.1f} %", interval, *counts, stimuli_transform)
        )
    table(rows)
    for path in write_trials(trials, out or BUILD / "bias"):
        print(shown(path))
