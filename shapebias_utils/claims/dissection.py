"""Notebook 06: what channels detect."""

from . import Claim

WHERE = {"paper": "shape_simplicity", "notebook": "06", "figure": "06_fig6_unit_change"}

CAVEAT = (
    "Every channel counts by its label, whatever the IoU, as in the paper; an object's texture has "
    "no label of its own, as in Broden."
)

CLAIMS = (
    Claim(
        "more_colour_channels",
        "More channels detect colours",
        section="3.3.2",
        quantity="channels: color",
        expected=1,
        published="+117 % (AlexNet), +102 % (GoogLeNet)",
        caveat=CAVEAT,
        **WHERE,
    ),
    Claim(
        "more_texture_channels",
        "More channels detect textures",
        section="3.3.2",
        quantity="channels: texture",
        expected=1,
        published="+7 % (AlexNet), +34 % (GoogLeNet)",
        caveat=CAVEAT,
        **WHERE,
    ),
    Claim(
        "more_texture_channels_conflict",
        "More channels detect textures, where objects wear each other's",
        section="3.3.2",
        quantity="channels on cue conflict: texture",
        expected=1,
        published="not tested by the paper",
        caveat="The same claim, labelled so that an object and its texture can be told apart.",
        **WHERE | {"figure": "06_cross_labelling"},
    ),
    Claim(
        "more_texture_variance",
        "Channels respond more to textures: a larger share of their variance",
        section="3.3.2",
        quantity="variance by texture",
        expected=1,
        published="not tested by the paper",
        caveat="The same claim without labels, where shape, texture and colour are crossed.",
        **WHERE | {"figure": "06_variance_by_factor"},
    ),
    Claim(
        "more_colour_variance",
        "Channels respond more to colours: a larger share of their variance",
        section="3.3.2",
        quantity="variance by colour",
        expected=1,
        published="not tested by the paper",
        caveat="Four colours of the object against its background, all else kept.",
        **WHERE | {"figure": "06_variance_by_factor"},
    ),
    Claim(
        "fewer_object_channels",
        "Fewer channels detect objects",
        section="3.3.2",
        quantity="channels: object",
        expected=-1,
        published="-28 % (AlexNet), -20 % (GoogLeNet)",
        caveat=CAVEAT,
        **WHERE,
    ),
    Claim(
        "fewer_part_channels",
        "Fewer channels detect parts",
        section="3.3.2",
        quantity="channels: part",
        expected=-1,
        published="-26 % (GoogLeNet)",
        caveat=CAVEAT,
        **WHERE,
    ),
    *(
        Claim(
            key,
            f"Trained on stylized images (SIN), a network {statement} than S, and than SIN+IN",
            section="3.3.2, Fig. 7",
            quantity=quantity,
            expected=expected,
            training="sin",
            against=("standard", "sin-in"),
            published=published,
            caveat=caveat,
            **WHERE | {"figure": "06_fig7_training"},
        )
        for key, statement, quantity, expected, published, caveat in (
            (
                "stylized_shape_bias",
                "is more shape-biased",
                "shape bias",
                1,
                "81.37 % against 22.20 % (S) and 20.3 % (SIN+IN)",
                "The number of SIN+IN is that of a network that saw both kinds from the start.",
            ),
            (
                "stylized_more_texture_channels",
                "has more channels that detect textures",
                "channels: texture",
                1,
                "drawn in Figure 7, without numbers",
                CAVEAT,
            ),
            (
                "stylized_fewer_object_channels",
                "has fewer channels that detect objects",
                "channels: object",
                -1,
                "drawn in Figure 7, without numbers",
                CAVEAT,
            ),
        )
    ),
    Claim(
        "fewer_concepts_a_channel",
        "A channel detects fewer concepts",
        section="C",
        quantity="concepts a channel",
        expected=-1,
        published="22.43 instead of 26.07 (AlexNet)",
        **WHERE | {"figure": "06_figA12_diversity"},
    ),
)
