"""The distortion explorer: a photograph of yours, or an image of the dataset, distorted."""

from collections.abc import Sequence

import ipywidgets
import numpy as np
import torch
from PIL import Image

from ..datasets import ImageSet
from ..datasets.image_files import as_rgb
from ..distortions import distort, distortion_names, get_distortion
from ..networks import Network
from .panel import Answers, picture, screen, watch


def distorter(networks: Sequence[Network], images: ImageSet, size: int) -> ipywidgets.Widget:
    """Menus for the distortion and its level, a field for a photograph; what networks say of it.

    A photograph is cut to its middle square and resized to `size` pixels, at which the networks see
    it. What cannot be read, or a distortion that lacks something, is said in a line.
    """
    answers = Answers(networks)
    upload = ipywidgets.FileUpload(accept="image/*", description="your photograph")
    upload.layout.width = "auto"
    row = ipywidgets.BoundedIntText(0, 0, len(images) - 1, description="or image")
    name = ipywidgets.Dropdown(
        options=distortion_names(), value="scramble", description="distorted"
    )
    level = ipywidgets.SelectionSlider(options=["2"], description="level")
    before, after = screen(), screen()
    bars, said = ipywidgets.HTML(), ipywidgets.HTML()

    def levels(_: object = None) -> None:
        known = get_distortion(name.value).levels
        level.options = [(str(value), value) for value in known]
        level.description = "level"

    def show() -> None:
        said.value = ""
        try:
            x, title = _chosen(upload, images, row.value, size)
            changed = distort(x, name.value, level.value, title)
        except (ValueError, OSError) as error:
            said.value = str(error)
            return
        before.value = picture(x.transpose(2, 0, 1))
        after.value = picture(changed.transpose(2, 0, 1))
        bars.value = answers.bars(torch.from_numpy(changed.transpose(2, 0, 1).copy()))

    name.observe(levels, names="value")
    levels()
    watch([upload, row, name, level], show)
    shown = [
        ipywidgets.VBox([ipywidgets.Label(title), image])
        for title, image in (("as it is", before), ("distorted", after))
    ]
    menus = ipywidgets.VBox([upload, row, name, level, said])
    return ipywidgets.VBox([ipywidgets.HBox([menus, *shown]), bars])


def _chosen(
    upload: ipywidgets.FileUpload, images: ImageSet, row: int, size: int
) -> tuple[np.ndarray, str]:
    """The photograph that was given, else the dataset's image: (H, W, 3) in [0, 1], its name."""
    if not upload.value:
        return images.load([row])[0].permute(1, 2, 0).numpy(), images.table["imagename"].iloc[row]
    file = upload.value[0]
    image = as_rgb(file["name"], bytes(file["content"]))
    side = min(image.size)
    left, top = (image.width - side) // 2, (image.height - side) // 2
    square = image.crop((left, top, left + side, top + side))
    pixels = np.asarray(square.resize((size, size), Image.Resampling.BILINEAR), np.float32)
    return pixels / 255, file["name"]
