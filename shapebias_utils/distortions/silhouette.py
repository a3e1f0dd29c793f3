"""Silhouettes of photographs: the object that Mask R-CNN is surest of, in one colour.

Black on white as in the stimuli of Geirhos et al. 2019, or white on black as in Chen et al., who
cut out what DeepLab finds. Pictograms have their own, from the masks that they are drawn by.
"""

from collections.abc import Mapping
from functools import cache, partial
from typing import TYPE_CHECKING

import numpy as np

from . import Distortion
from .external import MASK_RCNN, kept, load_weights, require

if TYPE_CHECKING:
    from torch import nn

COCO_CLASSES = {
    "airplane": 5, "bear": 23, "bicycle": 2, "bird": 16, "boat": 9, "bottle": 44, "car": 3,
    "cat": 17, "chair": 62, "clock": 85, "dog": 18, "elephant": 22, "keyboard": 76, "knife": 49,
    "oven": 79, "truck": 8,
}  # fmt: skip
"""Category -> its class among the 91 of COCO, which has all 16."""

CONFIDENT = 0.5
"""Score from which on a detection is believed, and share from which on a pixel is the object's."""


def object_mask(labels: np.ndarray, scores: np.ndarray, masks: np.ndarray) -> np.ndarray:
    """The pixels of the object, bool ``(H, W)``, from detections: masks are ``(N, H, W)``.

    The object is of the category, among the 16, that the surest detection has; all confident
    detections of that category are joined. Empty where there is none of the 16.
    """
    among = np.isin(labels, list(COCO_CLASSES.values()))
    if not among.any():
        return np.zeros(masks.shape[1:], bool)
    surest = np.where(among, scores, -1).argmax()
    chosen = (labels == labels[surest]) & (scores >= CONFIDENT)
    chosen[surest] = True
    return (masks[chosen] >= CONFIDENT).any(axis=0)


def detect(network: "nn.Module", image: np.ndarray) -> Mapping[str, np.ndarray]:
    """What the network detects in an image, float32 ``(H, W, 3)`` in [0, 1].

    `labels` (COCO classes), `scores` (0 to 1) and `masks` (``(N, H, W)``, 0 to 1).
    """
    import torch

    where = next(network.parameters()).device
    with torch.inference_mode():
        (found,) = network([torch.from_numpy(image).permute(2, 0, 1).to(where)])
    found = {name: found[name].cpu().numpy() for name in ("labels", "scores", "masks")}
    return found | {"masks": found["masks"][:, 0]}


@cache
def _mask_rcnn() -> "nn.Module":
    from torchvision.models.detection import maskrcnn_resnet50_fpn_v2

    return load_weights(maskrcnn_resnet50_fpn_v2(weights=None, weights_backbone=None), MASK_RCNN)


def silhouette(
    image: np.ndarray, level: float, generator: np.random.Generator, inverted: bool = False
) -> np.ndarray:
    """The object black on white, or white on black if `inverted`; blank where none is found.

    FileNotFoundError says how to get the network's weights.
    """

    def make() -> np.ndarray:
        mask = object_mask(**detect(_mask_rcnn(), image))
        return np.repeat(mask[..., None] == inverted, 3, axis=2)

    return kept("silhouette", image, (inverted, _needs()), make)


def _needs() -> str:
    return require(MASK_RCNN)


DISTORTIONS = (
    Distortion(
        name="silhouette",
        title="Silhouette",
        apply=silhouette,
        levels=(1,),
        axis="",
        reference="Geirhos et al. 2019; Mask R-CNN for photographs",
        needs=_needs,
    ),
    Distortion(
        name="silhouette_white",
        title="Silhouette, white on black",
        apply=partial(silhouette, inverted=True),
        levels=(1,),
        axis="",
        reference="Chen et al., Sec. 3.2.2; Mask R-CNN for photographs",
        needs=_needs,
    ),
)
