"""The Chromium that tests drive: the one place that knows its names.

As a script it prints the path, or ends with 1 where there is none: `.ci/run` then installs one.
Standard library only, for it runs before anything is installed.
"""

import os
import shutil
import sys

NAMES = ("chromium", "chromium-browser", "google-chrome")


def chromium() -> str | None:
    """The path of an installed Chromium, or of what SHAPEBIAS_CHROMIUM names; None without one."""
    names = (os.environ.get("SHAPEBIAS_CHROMIUM", ""), *NAMES)
    return next(filter(None, map(shutil.which, names)), None)


if __name__ == "__main__":
    found = chromium()
    print(found or "no Chromium")
    sys.exit(found is None)
