"""The claims of Section 3.4: which channels matter for shape, which for texture (07)."""

from functools import partial

from . import Claim

SCORE, SHARE = "texture over shape score", "texture over shape decisions turned, each as a share"
ABOVE = "{} decisions turned above their layers"
"""These, and "one-sidedness of margins", are named by ``measures.evidence.ablation``."""

_claim = partial(
    Claim, paper="shape_simplicity", section="3.4", notebook="07", figure="07_fig8_scores"
)

_BOTH = (
    "held against random channels of the same layers: any channel that does anything at all has "
    "scores above 0, which is what the paper asks for"
)
_RATIO = (
    "a network that decides more images by texture has more texture decisions to lose: a ratio of "
    "counts is not a preference of channels"
)

CLAIMS = (
    *(
        _claim(
            key=f"texture_channels_{cue}_{training}",
            statement=f"Channels labelled texture matter for {cue} decisions in {name}",
            quantity=f"texture channels: {ABOVE.format(cue)}",
            expected=1,
            training=training,
            against=("0",),
            published="Figure 8: both scores above 0",
            caveat=_BOTH,
        )
        for training, name in (("standard", "S"), ("robust", "R"))
        for cue in ("shape", "texture")
    ),
    _claim(
        key="texture_channels_biased",
        statement="Texture channels of S are texture-biased: more texture than shape decisions",
        quantity=f"texture channels: {SCORE}",
        expected=1,
        training="standard",
        against=("1",),
        published="Figure 8: almost 2 to 1",
        caveat=_RATIO,
    ),
    _claim(
        key="texture_channels_biased_by_share",
        statement="The same, as shares of the images that S decides by either cue",
        quantity=f"texture channels: {SHARE}",
        expected=1,
        training="standard",
        against=("1",),
        figure="07_fig8_per_decision",
    ),
    *(
        _claim(
            key=f"{category}_channels_less_texture_biased",
            statement=f"{category.title()} channels of R are less texture-biased than those of S",
            quantity=f"{category} channels: {SCORE}",
            expected=-1,
            published="Figure 8: about 1 in R",
            caveat=_RATIO,
        )
        for category in ("texture", "object", "color")
    ),
    _claim(
        key="texture_channels_less_texture_biased_by_share",
        statement="The same of texture channels, as shares of the images decided by either cue",
        quantity=f"texture channels: {SHARE}",
        expected=-1,
        figure="07_fig8_per_decision",
    ),
    _claim(
        key="generalists",
        statement="Channels of R are generalists: they serve both cues more evenly than those of S",
        quantity="all channels: one-sidedness of margins",
        expected=-1,
        figure="07_margins",
        caveat="channels that lower what speaks against both cues count as serving both",
    ),
)
