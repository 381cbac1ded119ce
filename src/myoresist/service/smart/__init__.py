"""SMART App Launch: a record system opens the page with its patient."""
