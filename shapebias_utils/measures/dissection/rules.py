"""What implementations of network dissection do differently, as named options."""

from dataclasses import dataclass

from .thresholds import position
from .upsampling import GEOMETRIES


@dataclass(frozen=True)
class Rules:
    """Where implementations of network dissection differ; the defaults are those of Bau et al.

    - `top`, `quantile`: the share of a channel's activations, over all images, that exceeds its
      threshold, and how it is read (``quantiles.position``).
    - `geometry`: how maps are laid on labels (``upsampling.coordinates``).
    - `present`: the images in whose active pixels a concept's union is counted: "paper", those
      with any label of its category; "lite", those where the channel's own mask meets one.
    - `twice`: count a label that a pixel (or an image) has twice, twice.
    - `epsilon`: added to the union.
    - `iou`, `inclusive`, `count`: who is a detector, see ``detectors.count_detectors``.
    """

    top: float = 0.005
    quantile: str = "exact"
    geometry: str = "receptive-field"
    present: str = "paper"
    twice: bool = False
    epsilon: float = 0.0
    iou: float = 0.04
    inclusive: bool = False
    count: str = "best category"

    def __post_init__(self) -> None:
        position(1, self.top, self.quantile)
        for name, known in (
            ("geometry", GEOMETRIES),
            ("present", ("paper", "lite")),
            ("count", ("best category", "per category", "all")),
        ):
            if getattr(self, name) not in known:
                raise ValueError(
                    f"{name} = {getattr(self, name)!r} is not known; choose {', '.join(known)}"
                )
        if not 0 < self.top < 1:
            raise ValueError(f"top = {self.top}: it is a share, between 0 and 1")


_LITE = dict(
    top=5 / 999, quantile="hazen", geometry="half-pixel", present="lite", twice=True,
    epsilon=1e-10, inclusive=True,
)  # fmt: skip
PRESETS = {
    "default": Rules(),
    "netdissect_lite": Rules(**_LITE),
    "official": Rules(**_LITE | {"count": "all"}),
}
"""Rules of the CVPR paper, of NetDissect-Lite, and of the shape-bias paper's code: that of Lite,
but every channel counts, whatever its IoU. They are Lite's rules without its faults: there, label 0
in an image's list of scenes, which stands where a rare scene was removed, counts as a texture that
is present in it, and enters the unions of all textures (24,395 of 956,339 pixels in one
comparison); here it is no label."""


def rules_of(rules: str | Rules) -> Rules:
    """The rules, or those of that preset; ValueError lists the presets."""
    if isinstance(rules, str) and rules not in PRESETS:
        raise ValueError(f"unknown rules {rules!r}; choose {', '.join(PRESETS)}, or give Rules")
    return PRESETS[rules] if isinstance(rules, str) else rules
