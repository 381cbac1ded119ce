"""FHIR R4, read."""

from myoresist.exchange.fhir.bundle import is_fhir
from myoresist.exchange.fhir.reading import read_fhir, read_fhir_path

__all__ = ["is_fhir", "read_fhir", "read_fhir_path"]
