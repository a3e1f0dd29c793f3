"""Claims of Section 3.3.1, Appendices B and D: smooth filters, and the noise they let through."""

from . import Claim

_ABOUT = {"paper": "shape_simplicity", "section": "3.3.1", "notebook": "05", "expected": -1}
_SCALE = "a batch norm behind a convolution takes the scale of its kernels away again"

CLAIMS = (
    Claim(
        key="05_kernels",
        statement="The kernels of R have less total variation",
        quantity="kernel TV",
        figure="05_table4_total_variation",
        published="data/reported/table4_total_variation.csv; of ResNet the other way round",
        caveat=_SCALE,
        **_ABOUT,
    ),
    Claim(
        key="05_kernels_relative",
        statement="The kernels of R have less total variation for the size of their weights",
        quantity="kernel TV / |weights|",
        figure="05_figA9_total_variation_by_layer",
        published="not measured in the paper",
        **_ABOUT,
    ),
    Claim(
        key="05_first_filters",
        statement="The first filters of R have less total variation",
        quantity="kernel TV: conv1",
        figure="05_figA1_filters",
        published="Figures 4, A1 and A2, by eye; A9",
        caveat=_SCALE,
        **_ABOUT,
    ),
    Claim(
        key="05_first_filters_relative",
        statement="The first filters of R have less total variation for the size of their weights",
        quantity="kernel TV / |weights|: conv1",
        figure="05_figA9_total_variation_by_layer",
        published="not measured in the paper",
        **_ABOUT,
    ),
    Claim(
        key="05_first_maps",
        statement="Noise changes the total variation of R's conv1 channels less",
        quantity="TV changed by noise: conv1",
        figure="05_fig5_activation_tv",
        published="Figures 5a and A4: R's channels on the diagonal, AlexNet",
        **_ABOUT,
    ),
    Claim(
        key="05_noise",
        statement="R's conv1 lets less of an image's noise through, relative to the signal",
        quantity="noise / signal: conv1",
        figure="05_noise_to_signal",
        published="in words: smooth filters block pixel-wise noise",
        caveat="of powers; amplitudes are their roots",
        **_ABOUT,
    ),
)
