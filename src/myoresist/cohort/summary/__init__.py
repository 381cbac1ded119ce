"""The page about a whole registry, ``summary.html``."""
