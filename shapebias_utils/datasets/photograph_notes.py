"""What the notebooks' reader must know of small photographs (`Dataset.notes`)."""

TINY_IMAGENET = {
    "00": (
        "These are photographs, 64 pixels wide, of those classes of Tiny ImageNet that belong to "
        "one of the 16 categories. Nothing is known of their shapes and textures but what the "
        "stimuli say, so no cue can be changed alone."
    ),
    "01": (
        "- R goes on from S while eps and the attack's number of steps rise, and the control for "
        "as long at eps 0; the paper trains R from scratch. All are small networks of 26 classes, "
        "trained on 13,000 photographs: clean accuracies are far below those of ImageNet.\n"
        "- An eps is a length in images of 64 pixels: it is not to be compared with one in images "
        "of 224."
    ),
    "03": (
        "- The stimuli are those of Geirhos et al. whose two cues are both among the categories "
        "that the networks know, made small: of their textures, fine at 224 pixels, only what is "
        "coarse is left at 64.\n"
        "- Shape and texture were never set here: how far S leans on either is an outcome. But "
        "small networks read few of the stimuli: see how many were decided by either cue."
    ),
    "04": (
        "- Photographs of 64 pixels hold little fine texture: what scrambling leaves and what "
        "noise takes is less texture than coarse colour.\n"
        "- Silhouettes and stylized photographs need networks that were trained elsewhere, and "
        "cues cannot be changed one at a time."
    ),
    "05": (
        "- R and the control go on from S here, so that filters and channels of one number "
        "correspond, and are compared in pairs."
    ),
    "11": (
        "- Cues are taken from pixels here, several at a time: smoothing takes edges with texture, "
        "shuffling takes texture at the cuts with shape. Parts cannot be moved.\n"
        "- Photographs of 64 pixels hold few high frequencies: a blur of one pixel is a wide one."
    ),
}
