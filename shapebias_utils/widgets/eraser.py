"""Erase it: brush away contour, interior, parts or any patch, and watch the decisions change."""

from collections.abc import Callable, Sequence

import ipywidgets
import numpy as np
import torch

from ..datasets import Dataset, ImageSet
from ..measures.saliency_scores import BANDS, zones
from ..networks import Network
from .panel import SIDE, Answers, picture, screen, watch

GRID = 8
"""Patches a side that the brush takes away."""


def eraser(
    networks: Sequence[Network], images: ImageSet, dataset: Dataset, row: int = 0
) -> ipywidgets.Widget:
    """A list of the regions of an image, and a brush for any of its patches; what networks say.

    A patch is a button on the picture: pressed (by the mouse, or Tab and Space) it is taken away,
    pressed again it is back. What is erased becomes the mean colour of the image's border. The
    regions are exact masks, where the dataset knows them (`Dataset.regions`); elsewhere there is
    the brush alone.
    """
    answers = Answers(networks)
    number = ipywidgets.BoundedIntText(row, 0, len(images) - 1, description="image")
    band = ipywidgets.Dropdown(options=BANDS, value=BANDS[1], description="contour, px")
    boxes = ipywidgets.SelectMultiple(options=[], description="erase", rows=8)
    again = ipywidgets.Button(description="All back", tooltip="nothing is erased")
    name, image, bars = ipywidgets.Label(), screen(), ipywidgets.HTML()
    known: dict[tuple[int, int], dict[str, np.ndarray]] = {}
    brushed = np.zeros((GRID, GRID), bool)

    def regions() -> dict[str, np.ndarray]:
        key = number.value, band.value
        if key not in known:
            known[key] = _regions(images.subset([number.value], "one"), dataset, band.value)
        return known[key]

    def offer(_: object = None) -> None:
        names = list(regions())
        kept = [n for n in boxes.value if n in names]
        boxes.options, boxes.value = names, kept

    def show() -> None:
        pixels = images.load([number.value])[0].numpy().copy()
        gone = _patches(brushed, pixels.shape[1:])
        for region in boxes.value:
            gone |= regions()[region]
        pixels[:, gone] = _border(pixels)[:, None]
        facts = images.table.iloc[number.value]
        name.value = f"{facts['imagename']}: {facts['category']}, {gone.mean():.0%} erased"
        image.value = picture(pixels)
        bars.value = answers.bars(torch.from_numpy(pixels), {facts["category"]: "right"})

    for control in (number, band):
        control.observe(offer, names="value")
    offer()
    changed = watch([number, band, boxes], show)

    def brush(at: tuple[int, int]) -> None:
        brushed[at] ^= True
        changed()

    def restore(_: object) -> None:
        brushed[:] = False
        boxes.value = ()
        changed()

    again.on_click(restore)
    menus = ipywidgets.VBox([number, band, boxes, again])
    return ipywidgets.VBox([ipywidgets.HBox([menus, _stage(image, brush)]), name, bars])


def _stage(image: ipywidgets.Image, press: Callable[[tuple[int, int]], None]) -> ipywidgets.GridBox:
    """The image under a grid of see-through buttons, one a patch."""
    whole = {"width": f"{SIDE}px", "height": f"{SIDE}px", "margin": "0", "grid_area": "1 / 1"}
    image.layout = ipywidgets.Layout(**whole)
    cell = ipywidgets.Layout(width="auto", height="auto", margin="0", padding="0", min_width="0")
    clear = ipywidgets.ButtonStyle(button_color="transparent")
    buttons = []
    for at in np.ndindex(GRID, GRID):
        tip = f"patch in row {at[0] + 1}, column {at[1] + 1}"
        buttons.append(ipywidgets.Button(tooltip=tip, layout=cell, style=clear))
        buttons[-1].on_click(lambda _, at=at: press(at))
    tracks = f"repeat({GRID}, 1fr)"
    layout = {"grid_template_columns": tracks, "grid_template_rows": tracks, "grid_gap": "0"}
    over = ipywidgets.GridBox(buttons, layout=ipywidgets.Layout(**whole, **layout))
    return ipywidgets.GridBox([image, over])


def _patches(brushed: np.ndarray, size: tuple[int, int]) -> np.ndarray:
    """Bool (H, W): the pixels of the patches that are brushed away."""
    rows, columns = (np.arange(n) * GRID // n for n in size)
    return brushed[rows[:, None], columns]


def _regions(image: ImageSet, dataset: Dataset, band: int) -> dict[str, np.ndarray]:
    """Name -> bool mask (H, W) of what there is to erase in the one image."""
    if dataset.regions is None:
        return {}
    masks = dataset.regions(image)
    found = {zone: own[0] for zone, own in zones(masks, band).items()}
    found |= {f"the {part}": masks.parts[0] == 1 + i for i, part in enumerate(masks.names)}
    return {name: mask for name, mask in found.items() if mask.any()}


def _border(pixels: np.ndarray) -> np.ndarray:
    """Mean colour (3,) of the outermost pixels."""
    edges = [pixels[:, 0], pixels[:, -1], pixels[:, :, 0], pixels[:, :, -1]]
    return np.concatenate(edges, axis=1).mean(1)
