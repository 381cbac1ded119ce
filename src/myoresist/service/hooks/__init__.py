"""CDS Hooks 2.0: the consult as cards in the record system, for systems that are known."""
