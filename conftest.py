"""For tests and notebooks alike: nbval compares numbers within a tolerance, and figures at all."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent / "tests"))  # helpers stand beside the tests

pytest_plugins = ["nbval_tolerance"]
