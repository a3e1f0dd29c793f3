"""Image by image: what networks make of each."""

from collections.abc import Sequence

import ipywidgets

from ..datasets import ImageSet
from ..networks import Network
from .panel import Answers, picture, screen, watch


def explore(networks: Sequence[Network], images: ImageSet) -> ipywidgets.VBox:
    """A slider over the images; under it each image and what the networks make of it.

    The networks run anew with every move. ValueError where there are no images or no networks.
    """
    if not len(images):
        raise ValueError(f"{images.name} has no images to explore")
    answers = Answers(networks)
    row = ipywidgets.IntSlider(0, 0, len(images) - 1, description="image")
    name, image, bars = ipywidgets.Label(), screen(), ipywidgets.HTML()

    def show() -> None:
        facts, x = images.table.iloc[row.value], images.load([row.value])[0]
        name.value, image.value = facts["imagename"], picture(x)
        marks = {facts.get("texture_category"): "texture"} | {facts.get("category"): "shape"}
        bars.value = answers.bars(x, marks)

    watch([row], show)
    return ipywidgets.VBox([ipywidgets.HBox([row, name]), ipywidgets.HBox([image, bars])])
