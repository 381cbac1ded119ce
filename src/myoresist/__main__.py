"""``python -m myoresist`` is the same as ``myoresist``."""

from myoresist.cli import main

main()
