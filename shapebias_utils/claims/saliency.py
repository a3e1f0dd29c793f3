"""The claims of Zhang & Zhu (2019), judged by 09.

Their text was at hand as an abstract alone, and their tables of accuracies not at all: no number of
theirs is quoted. What goes beyond the abstract is known from their released code.
"""

from . import Claim

_COMMON = {"paper": "interpreting_at", "notebook": "09"}
_ABSTRACT = _COMMON | {"section": "Abstract"}
_BEYOND = _COMMON | {"section": "beyond the abstract"}
_NULL = ("standard", "control", "randomised")

CLAIMS = (
    Claim(
        key="zz_shape_bias",
        statement="Adversarial training alleviates the texture bias: decisions go by shape",
        quantity="shape bias",
        expected=1,
        figure="03_table2_shape_bias",
        caveat="measured on cue-conflict images, which that paper does not use",
        **_ABSTRACT,
    ),
    Claim(
        key="zz_stylized",
        statement="More right where style transfer destroys texture",
        quantity="kept: stylized",
        expected=1,
        figure="09_transformed_accuracy",
        **_ABSTRACT,
    ),
    Claim(
        key="zz_saturated",
        statement="More right where saturation destroys texture",
        quantity="kept: saturated",
        expected=1,
        figure="09_transformed_accuracy",
        caveat="the mean over p from 4 to 1024; p = 1 greys, and takes no texture",
        **_ABSTRACT,
    ),
    Claim(
        key="zz_scrambled",
        statement="Less right where shuffled patches destroy shape",
        quantity="kept: scrambled",
        expected=-1,
        figure="09_transformed_accuracy",
        **_ABSTRACT,
    ),
    Claim(
        key="zz_other_features",
        statement="The maps show sensitivity to dramatically different features than those of S",
        quantity="likeness to the map of S",
        expected=-1,
        against=("control",),
        figure="09_saliency",
        caveat="different is what R's map is from S's by more than the control's is",
        **_ABSTRACT,
    ),
    Claim(
        key="zz_why_robust",
        statement="The shape bias sheds light on why such networks are more robust",
        quantity="robustness by shape bias",
        expected=1,
        caveat="an interpretation: nothing that is measured here could refute it",
        **_ABSTRACT,
    ),
    Claim(
        key="zz_contours",
        statement="Saliency gathers on the object's contour",
        quantity="saliency: contour",
        expected=1,
        against=_NULL,
        figure="09_mask_scores",
        caveat="the whole image shares the saliency: more on the object is more on its contour too",
        **_BEYOND,
    ),
    Claim(
        key="zz_contours_not_inside",
        statement="Of the saliency on the object, more is on the contour and less inside",
        quantity="contour, not inside",
        expected=1,
        against=_NULL,
        figure="09_mask_scores",
        **_BEYOND,
    ),
    Claim(
        key="zz_fine_maps",
        statement="Saliency maps are coarser: less of their power is in fine detail",
        quantity="fine detail",
        expected=-1,
        figure="09_saliency",
        **_BEYOND,
    ),
    Claim(
        key="zz_low_frequencies",
        statement="More right on low frequencies alone",
        quantity="kept: low frequencies",
        expected=1,
        figure="09_transformed_accuracy",
        caveat="their masks of frequencies were no discs: radii cannot be compared",
        **_BEYOND,
    ),
    Claim(
        key="zz_high_frequencies",
        statement="Less right on high frequencies alone",
        quantity="kept: high frequencies",
        expected=-1,
        figure="09_transformed_accuracy",
        caveat="their masks of frequencies were no discs: radii cannot be compared",
        **_BEYOND,
    ),
)
