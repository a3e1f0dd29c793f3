"""Network dissection by hand: one unit, its map 2x2 -> the IoU of labels on 4x4 pixels.

Upsampled by pixel centres the map is 16 times the outer product of (0, 1/4, 3/4, 1) with itself;
six of its pixels exceed the threshold, all of them within the corner of nine.
"""

import numpy as np

MAP = [[[0, 0], [0, 16]]]
THRESHOLD = 3.2

CORNER = np.zeros((4, 4), int)
CORNER[1:, 1:] = 1  # 9 pixels
NONE = np.zeros((4, 4), int)
FAR = NONE.copy()
FAR[0, 0] = 2  # outside the mask

CATEGORIES = {1: "object", 2: "object", 3: "scene", 4: "texture", 5: "texture", 6: "part"}
"""Label -> its category."""

PIXELS = {("half-pixel", None): 6, ("align-corners", None): 8,
          ("receptive-field", (2, 0.5)): 6,  # 2x2 kernels lie as pixels do
          ("receptive-field", (2, 0)): 9}  # weights 0, 1/2, 1, 1  # fmt: skip
"""H0. Geometry, step and centre of the first receptive field -> pixels of the mask."""

LITE, TWICE = {"present": "lite"}, {"twice": True}

IOU = {
    # planes and whole-image labels of each image, changes of the rules -> IoU of labels
    "H1 one image": (([CORNER],), [[0]], {}, {1: 6 / 9}),
    "H2 a second with a scene": (([CORNER], [NONE]), [[0], [3]], {}, {1: 6 / 9, 3: 6 / 16}),
    "H3 an object elsewhere": (([CORNER], [FAR]), [[0], [0]], {}, {1: 6 / 15, 2: 0}),
    "H3 by Lite": (([CORNER], [FAR]), [[0], [0]], LITE, {1: 6 / 9, 2: 0}),
    "H4 two textures": (([NONE],), [[4, 5]], {}, {4: 6 / 16, 5: 6 / 16}),
    "H5 a scene 0": (([CORNER], [NONE]), [[0], [4]], {}, {1: 6 / 9, 4: 6 / 16}),
    "H7 twice at a pixel": (([CORNER * 6, CORNER * 6],), [[0]], {}, {6: 6 / 9}),
    "H7 counted twice": (([CORNER * 6, CORNER * 6],), [[0]], TWICE, {6: 12 / (6 + 18 - 12)}),
    "a label of pixels and of the whole": (([CORNER * 4],), [[4]], {}, {4: 6 / 16}),
    "H17 only the whole image": (np.zeros((1, 0, 4, 4)), [[4]], {}, {4: 6 / 16}),
    "H18 nothing at all": (([CORNER], [NONE]), [[0], [0]], {}, {1: 6 / 9}),
}
