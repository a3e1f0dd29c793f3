"""Notebook 01: what adversarial training gains and costs (Sec. 2, Table 1)."""

from . import Claim

_TABLE = {"paper": "shape_simplicity", "section": "2, Table 1", "notebook": "01",
          "figure": "01_table1_accuracy"}  # fmt: skip

CLAIMS = (
    Claim(
        key="clean_accuracy",
        statement="R is less accurate than S on clean images",
        quantity="accuracy, clean: all images",
        expected=-1,
        published="39.83, 43.57, 57.90 % (R), 56.52, 69.78, 76.13 % (S)",
        **_TABLE,
    ),
    Claim(
        key="adversarial_accuracy",
        statement="R is more accurate than S on adversarial images, at the eps of its training",
        quantity="accuracy, adversarial at the eps of training: all images",
        expected=1,
        published="22.27, 31.23, 36.11 % (R), 0.18, 0.08, 0.35 % (S)",
        caveat="an attack gives an upper bound of the accuracy; 01 holds it against stronger ones",
        **_TABLE,
    ),
)
