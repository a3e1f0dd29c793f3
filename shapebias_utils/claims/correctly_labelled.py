"""Notebook 02: images that S and R both label correctly, under attack (Table 3b)."""

from . import Claim

CLAIMS = (
    Claim(
        key="adversarial_accuracy_correctly_labelled",
        statement="R is more accurate than S under attack where both are right without it",
        paper="shape_simplicity",
        section="3.2, Table 3b",
        notebook="02",
        quantity="accuracy, adversarial at the eps of training: correctly labelled",
        expected=1,
        figure="02_table1_on_subset",
        published="Table 3b repeats Table 1, which is over all images",
    ),
)
