"""The version of the software; the knowledge has its own."""

__version__ = "0.1.0"
