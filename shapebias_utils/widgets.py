"""Interactive explorers for JupyterLab."""

from collections.abc import Sequence

import ipywidgets
from IPython.display import display

from . import figures
from .datasets import ImageSet
from .measures.predictions import decide
from .networks import Network


def explore(networks: Sequence[Network], images: ImageSet) -> ipywidgets.VBox:
    """A slider over the images; under it each image and what the networks make of it."""
    slider = ipywidgets.IntSlider(
        0, 0, len(images) - 1, description="image", continuous_update=False
    )
    name = ipywidgets.Label()
    picture = ipywidgets.Output()

    def show(row: int) -> None:
        name.value = images.table["imagename"].iloc[row]
        figure = figures.decisions(
            images.load([row])[0].numpy(), decide(networks, images, row), networks
        )
        with picture:
            picture.clear_output(wait=True)
            display(figure)

    slider.observe(lambda change: show(change["new"]), names="value")
    show(slider.value)
    return ipywidgets.VBox([ipywidgets.HBox([slider, name]), picture])
