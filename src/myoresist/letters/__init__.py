"""A clinic letter becomes statements to confirm."""
