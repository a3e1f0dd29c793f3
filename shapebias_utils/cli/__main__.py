"""``python -m shapebias_utils.cli``, as torchrun starts it."""

from . import main

main()
