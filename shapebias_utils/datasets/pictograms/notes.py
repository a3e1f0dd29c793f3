"""What is true of pictograms alone and has to be said in the notebooks, by their numbers."""

from .render import RenderSettings

_S = RenderSettings()

NOTES = {
    "00": (
        "Every category is a pictogram drawn from named parts, in a random pose on a random "
        "background, and wears its own texture: here shape and texture agree, as they mostly do "
        f"in photographs. In {_S.fragments:.0%} of the training and validation images only a "
        "**fragment** of the object is seen, through a random polygon about "
        f"{_S.fragment_radius:.0%} of the image in radius; the others show **whole objects**. "
        "Texture can be read from any patch of a surface, shape only from the whole object."
    ),
    "01": (
        "- Fragments can be told by their texture alone, whole objects by their shape as well: "
        "the difference between the two is what a network takes from texture. On photographs "
        "the two cannot be told apart.\n"
        "- R goes on from S while eps rises, since from scratch at full eps training does not "
        "take off; the paper trains it from scratch. The control goes on for as many epochs at "
        "eps 0.\n"
        "- The contrast of the textures was settled so that *standard* training leans on texture "
        "about as much as it does on ImageNet. The last trial of that choice had AlexNet-R in "
        "view too, so the size of R's shape bias is not wholly independent of it."
    ),
    "03": (
        "- The contrast of the textures is set so that *standard* training leans on texture about "
        "as much as it does on ImageNet: the shape bias of S is a choice of Pictogram-16. "
        "[01](01_adversarial_training.ipynb) shows how S and R move with it.\n"
        "- A texture belongs to one category here, and shows on whole objects in the stimuli."
    ),
    "04": (
        "- Pictograms differ little in lightness from their background, so black-and-white leaves "
        "many of them blank, and where it does not, textures survive as stripes and dots: it is "
        "no image without texture here.\n"
        "- The stylized pictograms stand on as busy a background as they are themselves, in "
        "textures twice as strong as those of training.\n"
        "- A silhouette in black and white has a contrast, a polarity and a plain background that "
        "no image of training has. *No texture* takes the texture and keeps all else."
    ),
    "05": (
        "- R and the control go on from S here, so that filters and channels of one number "
        "correspond, and are compared in pairs."
    ),
    "09": (
        "- Objects and backgrounds are mild colours here: where both lie on one side of mid-grey, "
        "saturation makes them one. It takes contrast as well as texture, and some objects "
        "altogether.\n"
        "- The stylized pictograms stand on as busy a background as they are themselves, in "
        "textures twice as strong as those of training.\n"
        "- Clutter has no texture here, but a contour of its own, on which no category hangs.\n"
        "- Shape and texture lie on one object, texture up to the very contour: by its place alone "
        "a map cannot tell which of them it follows."
    ),
}
