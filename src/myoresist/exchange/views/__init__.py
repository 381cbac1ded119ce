"""Views of SQL on FHIR, version 2, as SQL of DuckDB.

The part of FHIRPath and of ViewDefinition that is read is small; the rest is refused with the view, the place
and the expression. ``docs/sql-on-fhir.md`` says how the official tests fare.
"""
