"""OMOP CDM 5.3 and 5.4: a database is read as a registry, and answers are written back in its tables."""
