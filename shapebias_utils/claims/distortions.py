"""Notebook 04: images without shape, images without texture (Sec. 3.2, Table 3)."""

from . import Claim

_TABLE = {"paper": "shape_simplicity", "notebook": "04", "figure": "04_table3_distortions"}
_CUES = {"paper": "shape_simplicity", "notebook": "04", "figure": "04_cues_alone",
         "published": "the paper's columns change more than one cue"}  # fmt: skip
_CORRECT = "accuracy, correctly labelled: "
_TEXTURE_LESS = "3.2.2, Table 3"

CLAIMS = (
    Claim(
        key="scrambled",
        statement="Where patches are scrambled, R is less accurate than S",
        section="3.2.1, Table 3c",
        quantity=_CORRECT + "scramble",
        expected=-1,
        published="16.92, 31.15, 34.46 % (R), 34.59, 49.74, 58.04 % (S)",
        **_TABLE,
    ),
    Claim(
        key="stylized",
        statement="On stylized images R is more accurate than S",
        section=_TEXTURE_LESS + "d",
        quantity=_CORRECT + "stylized",
        expected=1,
        published="9.11, 12.54, 15.62 % (R), 6.31, 13.74, 10.68 % (S)",
        caveat="other textures are put in the place of the images' own, on the background too",
        **_TABLE,
    ),
    Claim(
        key="black_and_white",
        statement="On black-and-white images R is more accurate than S",
        section=_TEXTURE_LESS + "e",
        quantity=_CORRECT + "black_and_white",
        expected=1,
        published="35.25, 44.55, 53.89 % (R), 20.08, 43.48, 16.96 % (S)",
        caveat="a threshold leaves coarse textures and takes objects of the ground's lightness",
        **_TABLE,
    ),
    Claim(
        key="silhouette",
        statement="On silhouettes, white on black as the paper's are, R is more accurate than S",
        section=_TEXTURE_LESS + "f",
        quantity=_CORRECT + "silhouette_white",
        expected=1,
        published="9.30, 24.12, 22.30 % (R), 7.72, 10.17, 3.95 % (S)",
        caveat="contrast, polarity and ground change with the texture",
        **_TABLE,
    ),
    Claim(
        key="no_texture",
        statement="Where the texture alone is taken, R is more accurate than S",
        section="3.2.2",
        quantity="accuracy: flat",
        expected=1,
        **_CUES,
    ),
    Claim(
        key="new_texture",
        statement="Where the texture alone is exchanged, R is more accurate than S",
        section="3.2.2",
        quantity="accuracy: retextured",
        expected=1,
        **_CUES,
    ),
    Claim(
        key="texture_blob",
        statement="Where the shape alone is taken, R is less accurate than S",
        section="3.2.1",
        quantity="accuracy: texture_blob",
        expected=-1,
        **_CUES,
    ),
    Claim(
        key="texture_field",
        statement="Where the texture fills the image, R is less accurate than S",
        section="3.2.1",
        quantity="accuracy: texture_field",
        expected=-1,
        **_CUES,
    ),
)
