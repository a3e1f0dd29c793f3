"""Notebook 03: what decides where shape and texture conflict (Sec. 3.1, Table 2)."""

from . import Claim

_TABLE = {"paper": "shape_simplicity", "section": "3.1, Table 2", "notebook": "03",
          "figure": "03_shape_bias_by_category"}  # fmt: skip
_PUBLISHED = "65.32, 65.56, 70.36 % (R), 26.39, 25.08, 22.20 % (S)"
_ADVPROP = (
    "L2 eps in the paper's proportion to R's; in other code PGD1 and PGD5 are numbers of steps"
)
_RATIO = "a ratio at one strength of both cues; it hides how well either is read"

CLAIMS = (
    Claim(
        key="shape_bias",
        statement="R is more shape-biased than S",
        quantity="shape bias",
        expected=1,
        published=_PUBLISHED,
        caveat=_RATIO,
        **_TABLE,
    ),
    Claim(
        key="standard_by_texture",
        statement="S decides by texture: its shape bias is below one half",
        quantity="shape bias",
        expected=-1,
        training="standard",
        against=("0.5",),
        published=_PUBLISHED,
        caveat=_RATIO,
        **_TABLE,
    ),
    Claim(
        key="robust_by_shape",
        statement="R decides by shape: its shape bias is above one half",
        quantity="shape bias",
        expected=1,
        against=("0.5",),
        published=_PUBLISHED,
        caveat=_RATIO,
        **_TABLE,
    ),
    *(
        Claim(
            key=key,
            statement=statement,
            quantity="shape bias",
            expected=1,
            training=training,
            against=(against,),
            published=published,
            caveat=_ADVPROP,
            **_TABLE | {"figure": "03_table2_shape_bias"},
        )
        for key, statement, training, against, published in (
            (
                "advprop_pgd1_shape_bias",
                "AdvProp with a weak adversary (PGD1) is more shape-biased than S",
                "advprop-pgd1",
                "standard",
                "31.75 against 22.20 %",
            ),
            (
                "advprop_pgd5_shape_bias",
                "AdvProp with a stronger adversary (PGD5) is more shape-biased than with the weak",
                "advprop-pgd5",
                "advprop-pgd1",
                "36.89 against 31.75 %",
            ),
            (
                "robust_above_advprop",
                "R is more shape-biased than AdvProp with the stronger adversary",
                "robust",
                "advprop-pgd5",
                "70.36 against 36.89 %",
            ),
        )
    ),
    Claim(
        key="order_of_shape_bias",
        statement="Shape bias rises from S over PGD1 and PGD5 to R: each step, as above",
        quantity="shape bias: least step from S over AdvProp to R",
        expected=1,
        against=("standard",),
        published="22.20, 31.75, 36.89, 70.36 %",
        caveat=_ADVPROP,
        **_TABLE | {"figure": "03_table2_shape_bias"},
    ),
    Claim(
        key="reads_shape_better",
        statement="R reads the shape more often than S, not the texture less often alone",
        paper="after",
        section="3.1",
        notebook="03",
        figure="03_psychometric",
        quantity="given shape's category",
        expected=1,
        caveat="where a strong texture wins, a shape that is read does not show",
    ),
    Claim(
        key="reads_texture_less",
        statement="R reads the texture less often than S",
        paper="after",
        section="3.1",
        notebook="03",
        figure="03_psychometric",
        quantity="given texture's category",
        expected=-1,
        caveat="where a strong shape wins, a texture that is read does not show",
    ),
)
