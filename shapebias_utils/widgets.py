"""Interactive explorers for JupyterLab."""

from collections.abc import Sequence

import ipywidgets

from . import figures
from .datasets import ImageSet
from .measures.predictions import decide
from .networks import Network


def explore(networks: Sequence[Network], images: ImageSet) -> ipywidgets.VBox:
    """A slider over the images; under it each image and what the networks make of it.

    The networks run anew with every move. ValueError where there are no images or no networks.
    """
    if not len(images):
        raise ValueError(f"{images.name} has no images to explore")
    slider = ipywidgets.IntSlider(
        0, 0, len(images) - 1, description="image", continuous_update=False
    )
    name = ipywidgets.Label()
    # An image, not an output area: what it shows is part of its state, with or without a kernel.
    picture = ipywidgets.Image(format="png")

    def show(row: int) -> None:
        table = decide(networks, images, row)
        figure = figures.decisions(images.load([row])[0].numpy(), table, networks)
        name.value = images.table["imagename"].iloc[row]
        picture.value = figures.png(figure)

    slider.observe(lambda change: show(change["new"]), names="value")
    show(slider.value)
    return ipywidgets.VBox([ipywidgets.HBox([slider, name]), picture])
