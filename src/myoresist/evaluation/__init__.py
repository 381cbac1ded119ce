"""How good the differential diagnosis is, on patients whose diagnosis is known."""
