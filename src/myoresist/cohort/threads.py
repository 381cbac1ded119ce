"""How many threads libraries take in a process; they read it when they are first imported."""

from __future__ import annotations

THREADS = ("POLARS_MAX_THREADS", "OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS", "MKL_NUM_THREADS")
"""What tells the engine and the matrix product how many threads to use."""
