"""Any entry of the knowledge in plain words, with its sources."""
