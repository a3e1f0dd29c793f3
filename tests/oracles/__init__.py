"""Facts that were worked out elsewhere: by others' code, or by hand.

``class16.json``: which of ImageNet's classes (index, WNID, name) belong to each of the 16
categories, from ``human_categories.py`` of texture-vs-shape, the same as in model-vs-human.

``golden_corruptions.csv``: mean, standard deviation and mean absolute difference, in grey levels,
of what the published code of ImageNet-C (imagecorruptions-imaug 1.1.5) makes of one image
(`picture` in test_corruption_functions); ``sha256_16`` begins the hash of its uint8 pixels.

``dissection``: network dissection's intersections over unions, by hand.
"""
