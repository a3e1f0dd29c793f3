"""The 16 categories of the cue-conflict experiment, and the ImageNet classes that are theirs."""

CATEGORIES = (
    "airplane", "bear", "bicycle", "bird", "boat", "bottle", "car", "cat",
    "chair", "clock", "dog", "elephant", "keyboard", "knife", "oven", "truck",
)  # fmt: skip

_NOT_DOGS = {192, 204, 227, 242, 251, 258, 260, 264}  # left out by Geirhos et al.

IMAGENET_CLASSES: dict[str, tuple[int, ...]] = {
    "airplane": (404,),
    "bear": (294, 295, 296, 297),
    "bicycle": (444, 671),
    "bird": (
        8, *range(10, 17), *range(18, 21), *range(22, 25), *range(80, 84), *range(87, 97),
        *range(98, 101), *range(127, 134), *range(135, 146),
    ),
    "boat": (472, 554, 625, 814, 914),
    "bottle": (440, 720, 737, 898, 899, 901, 907),
    "car": (436, 511, 817),
    "cat": (281, 282, 283, 284, 285, 286),
    "chair": (423, 559, 765, 857),
    "clock": (409, 530, 892),
    "dog": tuple(sorted(set(range(152, 269)) - _NOT_DOGS)),
    "elephant": (385, 386),
    "keyboard": (508, 878),
    "knife": (499,),
    "oven": (766,),
    "truck": (555, 569, 656, 675, 717, 734, 864, 867),
}  # fmt: skip
"""Category -> its ImageNet classes: ranks among the sorted WNIDs of ILSVRC 2012, 207 in all.

The mapping of Geirhos et al. 2019 (the paper's Sec. 2), also that of model-vs-human.
"""
