"""Explorers for JupyterLab: move something, see what networks make of it.

Each is built once, and only its values change; of the values that a dragged slider runs through,
the latest counts. Every explorer stands below a static figure that says the same: without a kernel
it is a picture. Imported from here, one file each.
"""

from .attack_scrubber import attack_scrubber
from .browse import explore
from .cue_mixer import cue_mixer
from .distorter import distorter
from .eraser import eraser
from .observer import you_against_the_networks
from .unit_microscope import unit_microscope

__all__ = [
    "attack_scrubber",
    "cue_mixer",
    "distorter",
    "eraser",
    "explore",
    "unit_microscope",
    "you_against_the_networks",
]
