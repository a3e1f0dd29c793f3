"""The 16 pictograms: each category is drawn from named parts.

Coordinates are x to the right and y down in [-1, 1]; a later affine map puts them on the canvas.
Parts are painted in order: the polygons of a part first, then its holes, which uncover the
background again. What is drawn is a silhouette with holes, since inside an object only its
texture is seen.
"""

from dataclasses import dataclass
from itertools import pairwise

import numpy as np

Polygon = np.ndarray  # (corners, 2), float


@dataclass(frozen=True)
class Part:
    """A named part of a pictogram: filled polygons, and holes cut through all painted so far."""

    name: str
    polygons: tuple[Polygon, ...]
    holes: tuple[Polygon, ...] = ()


def polygon(*corners: tuple[float, float]) -> Polygon:
    return np.array(corners, dtype=float)


def box(x0: float, y0: float, x1: float, y1: float) -> Polygon:
    return polygon((x0, y0), (x1, y0), (x1, y1), (x0, y1))


def ellipse(x: float, y: float, rx: float, ry: float | None = None, tilt: float = 0.0) -> Polygon:
    """Ellipse about (x, y), semi-axes rx and ry (default: a circle), tilted by `tilt` radians."""
    angle = np.linspace(0, 2 * np.pi, 36, endpoint=False)
    u, v = rx * np.cos(angle), (rx if ry is None else ry) * np.sin(angle)
    cos, sin = np.cos(tilt), np.sin(tilt)
    return np.stack([x + u * cos - v * sin, y + u * sin + v * cos], axis=1)


def stroke(width: float, *points: tuple[float, float]) -> tuple[Polygon, ...]:
    """A line of the given width through the points, with round joints and ends."""
    pieces = [ellipse(x, y, width / 2) for x, y in points]
    for (x0, y0), (x1, y1) in pairwise(points):
        length = np.hypot(x1 - x0, y1 - y0)
        nx, ny = -(y1 - y0) / length * width / 2, (x1 - x0) / length * width / 2
        pieces.append(
            polygon((x0 + nx, y0 + ny), (x1 + nx, y1 + ny), (x1 - nx, y1 - ny), (x0 - nx, y0 - ny))
        )
    return tuple(pieces)


def mirrored(*polygons: Polygon) -> tuple[Polygon, ...]:
    """The polygons and their mirror images about x = 0."""
    return polygons + tuple(p * (-1, 1) for p in polygons)


SHAPES: dict[str, tuple[Part, ...]] = {
    "airplane": (
        Part("wing", mirrored(polygon((0.1, -0.3), (0.97, 0.26), (0.97, 0.42), (0.1, 0.16)))),
        Part("tail", mirrored(polygon((0.05, 0.6), (0.42, 0.84), (0.42, 0.97), (0.05, 0.86)))),
        Part("engine", mirrored(ellipse(0.46, -0.02, 0.075, 0.17))),
        Part("fuselage", (ellipse(0, 0, 0.16, 0.97),)),
    ),
    "bear": (
        Part("ear", mirrored(ellipse(0.34, -0.84, 0.16))),
        Part("leg", mirrored(ellipse(0.42, 0.74, 0.25, 0.23))),
        Part("arm", mirrored(*stroke(0.27, (0.36, 0.0), (0.72, -0.24)))),
        Part("torso", (ellipse(0, 0.32, 0.53, 0.58),)),
        Part(
            "head",
            (ellipse(0, -0.55, 0.43, 0.37),),
            (*mirrored(ellipse(0.16, -0.64, 0.055)), ellipse(0, -0.45, 0.1, 0.07)),
        ),
    ),
    "bicycle": (
        Part(
            "wheel",
            mirrored(ellipse(0.57, 0.32, 0.41)),
            mirrored(ellipse(0.57, 0.32, 0.26)),
        ),
        Part(
            "frame",
            stroke(0.13, (-0.57, 0.32), (-0.26, -0.26), (0.36, -0.26), (0.57, 0.32))
            + stroke(0.13, (-0.26, -0.26), (-0.06, 0.36), (0.36, -0.26))
            + stroke(0.13, (-0.57, 0.32), (-0.06, 0.36)),
        ),
        Part("saddle", stroke(0.15, (-0.46, -0.5), (-0.16, -0.5)) + stroke(0.1, (-0.33, -0.5), (-0.26, -0.26))),
        Part("handlebar", stroke(0.12, (0.36, -0.26), (0.28, -0.62), (0.56, -0.66))),
    ),
    "bird": (
        Part("leg", stroke(0.08, (0.0, 0.5), (-0.04, 0.93), (0.12, 0.93)) + stroke(0.08, (0.2, 0.46), (0.2, 0.93), (0.36, 0.93))),
        Part("tail", (polygon((-0.3, 0.02), (-1.0, -0.2), (-0.92, 0.12), (-0.98, 0.34), (-0.3, 0.42)),)),
        Part("torso", (ellipse(0.05, 0.2, 0.52, 0.37, 0.2),)),
        Part("wing", (polygon((0.3, 0.16), (-0.02, -0.4), (-0.5, -0.92), (-0.56, -0.5), (-0.44, -0.1), (-0.24, 0.24)),)),
        Part("beak", (polygon((0.72, -0.36), (1.02, -0.16), (0.7, -0.06)),)),
        Part("head", (ellipse(0.52, -0.24, 0.28),), (ellipse(0.58, -0.3, 0.06),)),
    ),
    "boat": (
        Part("mast", stroke(0.09, (0.0, -0.95), (0.0, 0.5))),
        Part("sail", (polygon((0.1, -0.88), (0.8, 0.3), (0.1, 0.3)), polygon((-0.1, -0.62), (-0.1, 0.3), (-0.66, 0.3)))),
        Part("hull", (polygon((-0.95, 0.44), (0.98, 0.44), (0.6, 0.9), (-0.62, 0.9)),)),
    ),
    "bottle": (
        Part("cap", (box(-0.16, -0.99, 0.16, -0.82),)),
        Part("neck", (polygon((-0.13, -0.78), (0.13, -0.78), (0.14, -0.42), (0.36, -0.12), (-0.36, -0.12), (-0.14, -0.42)),)),
        Part("body", (polygon((-0.38, -0.16), (0.38, -0.16), (0.38, 0.92), (0.31, 0.99), (-0.31, 0.99), (-0.38, 0.92)),)),
    ),
    "car": (
        Part("cabin", (polygon((-0.6, -0.06), (-0.4, -0.5), (0.24, -0.5), (0.56, -0.06)),), (polygon((-0.45, -0.1), (-0.32, -0.38), (-0.1, -0.38), (-0.1, -0.1)), polygon((0.02, -0.1), (0.02, -0.38), (0.19, -0.38), (0.38, -0.1)))),
        Part("chassis", (polygon((-0.98, 0.0), (-0.9, -0.1), (0.6, -0.1), (0.94, 0.04), (0.99, 0.3), (0.96, 0.34), (-0.98, 0.34)),)),
        Part("wheel", mirrored(ellipse(0.55, 0.34, 0.25)), mirrored(ellipse(0.55, 0.34, 0.08))),
    ),
    "cat": (
        Part("tail", stroke(0.17, (0.3, 0.82), (0.72, 0.8), (0.86, 0.52), (0.72, 0.22), (0.84, -0.02))),
        Part("torso", (ellipse(-0.02, 0.42, 0.44, 0.55),)),
        Part("paw", (ellipse(-0.22, 0.9, 0.2, 0.1), ellipse(0.2, 0.9, 0.2, 0.1))),
        Part("whisker", mirrored(*stroke(0.045, (0.24, -0.3), (0.74, -0.4)), *stroke(0.045, (0.24, -0.22), (0.74, -0.14)))),
        Part("ear", mirrored(polygon((0.08, -0.7), (0.4, -0.99), (0.42, -0.42)))),
        Part("head", (ellipse(0, -0.4, 0.43, 0.36),), (*mirrored(ellipse(0.17, -0.46, 0.075, 0.06)), polygon((-0.07, -0.28), (0.07, -0.28), (0, -0.2)))),
    ),
    "chair": (
        Part("leg", (box(-0.56, 0.2, -0.38, 0.98), box(0.38, 0.2, 0.56, 0.98), box(-0.28, 0.3, -0.15, 0.78), box(0.15, 0.3, 0.28, 0.78))),
        Part("backrest", (box(-0.5, -0.98, 0.5, -0.02),), (box(-0.34, -0.7, -0.2, -0.02), box(-0.07, -0.7, 0.07, -0.02), box(0.2, -0.7, 0.34, -0.02))),
        Part("seat", (polygon((-0.46, -0.04), (0.46, -0.04), (0.66, 0.32), (-0.66, 0.32)),)),
    ),
    "clock": (
        Part("foot", mirrored(*stroke(0.17, (0.36, 0.66), (0.56, 0.92)))),
        Part("bell", mirrored(ellipse(0.46, -0.68, 0.28, 0.2, 0.68))),
        Part("rim", (ellipse(0, 0.1, 0.76),), (ellipse(0, 0.1, 0.56),)),
        Part("hand", stroke(0.14, (0.0, -0.3), (0.0, 0.1), (0.3, 0.26))),
    ),
    "dog": (
        Part("tail", stroke(0.13, (-0.62, -0.12), (-0.86, -0.44), (-0.82, -0.64))),
        Part("leg", (polygon((-0.66, 0.1), (-0.34, 0.1), (-0.46, 0.9), (-0.66, 0.9)), polygon((-0.4, 0.2), (-0.2, 0.2), (-0.2, 0.9), (-0.36, 0.9)), polygon((0.1, 0.2), (0.28, 0.2), (0.26, 0.9), (0.1, 0.9)), polygon((0.26, 0.1), (0.5, 0.0), (0.46, 0.9), (0.3, 0.9)))),
        Part("torso", (polygon((-0.7, -0.18), (0.3, -0.22), (0.52, -0.1), (0.5, 0.32), (0.1, 0.34), (-0.3, 0.26), (-0.68, 0.34)),)),
        Part("head", (ellipse(0.5, -0.5, 0.26, 0.26), polygon((0.28, -0.42), (0.66, -0.4), (0.54, 0.06), (0.2, -0.08)),), (ellipse(0.56, -0.54, 0.05),)),
        Part("snout", (polygon((0.58, -0.64), (0.97, -0.5), (0.99, -0.32), (0.6, -0.28)),)),
        Part("ear", (polygon((0.3, -0.74), (0.46, -0.72), (0.42, -0.22), (0.26, -0.12), (0.16, -0.3)),)),
    ),
    "elephant": (
        Part("tail", stroke(0.08, (-0.86, -0.12), (-0.97, 0.16), (-0.95, 0.36))),
        Part("leg", (box(-0.82, 0.1, -0.53, 0.86), box(-0.44, 0.3, -0.22, 0.8), box(-0.04, 0.3, 0.18, 0.8), box(0.14, 0.1, 0.43, 0.86))),
        Part("torso", (ellipse(-0.22, -0.08, 0.68, 0.5),)),
        Part("trunk", stroke(0.2, (0.74, -0.2), (0.86, 0.16), (0.8, 0.5)) + stroke(0.16, (0.8, 0.5), (0.94, 0.62))),
        Part("head", (ellipse(0.52, -0.3, 0.38, 0.36),), (ellipse(0.68, -0.36, 0.05),)),
        Part("tusk", (polygon((0.6, 0.0), (0.72, 0.04), (0.66, 0.34)),)),
        Part("ear", (ellipse(0.28, -0.28, 0.27, 0.36, 0.15),), stroke(0.05, (0.5, -0.5), (0.55, -0.25), (0.45, 0.0), (0.3, 0.1))),
    ),
    "keyboard": (
        Part("key", (*(box(x, y, x + 0.34, y + 0.29) for y in (-0.52, -0.16) for x in (-0.99, -0.585, -0.17, 0.245, 0.65)), box(-0.99, 0.2, -0.65, 0.49), box(0.65, 0.2, 0.99, 0.49))),
        Part("spacebar", (box(-0.585, 0.2, 0.585, 0.49),)),
    ),
    "knife": (
        Part("blade", (polygon((-0.2, -0.16), (0.62, -0.16), (0.86, -0.08), (0.99, 0.06), (0.8, 0.14), (-0.2, 0.16)),)),
        Part("guard", (box(-0.27, -0.27, -0.15, 0.27),)),
        Part("handle", (polygon((-0.99, -0.12), (-0.9, -0.16), (-0.27, -0.13), (-0.27, 0.13), (-0.9, 0.2), (-0.99, 0.16)),), (ellipse(-0.78, 0.01, 0.055), ellipse(-0.48, 0.0, 0.055))),
    ),
    "oven": (
        Part("foot", mirrored(box(0.5, 0.8, 0.72, 0.98))),
        Part("panel", (box(-0.84, -0.97, 0.84, -0.5),), tuple(ellipse(x, -0.735, 0.1) for x in (-0.54, -0.18, 0.18, 0.54))),
        Part("handle", (box(-0.62, -0.4, 0.62, -0.29),)),
        Part("door", (box(-0.84, -0.2, 0.84, 0.84),), (box(-0.54, 0.06, 0.54, 0.56),)),
    ),
    "truck": (
        Part("trailer", (box(-0.99, -0.58, 0.3, 0.3),)),
        Part("cab", (polygon((0.38, -0.34), (0.74, -0.34), (0.97, 0.02), (0.99, 0.34), (0.38, 0.34)),), (polygon((0.5, -0.22), (0.68, -0.22), (0.82, 0.02), (0.5, 0.02)),)),
        Part("bumper", (box(-0.9, 0.28, 0.99, 0.4),)),
        Part("wheel", (ellipse(-0.66, 0.42, 0.2), ellipse(-0.2, 0.42, 0.2), ellipse(0.66, 0.42, 0.2)), (ellipse(-0.66, 0.42, 0.065), ellipse(-0.2, 0.42, 0.065), ellipse(0.66, 0.42, 0.065))),
    ),
}  # fmt: skip
"""Category -> its parts, in the order in which they are painted."""

PARTS = tuple(sorted({part.name for parts in SHAPES.values() for part in parts}))
"""Every part name; a name shared by categories (wheel, leg, ear) is one concept."""
