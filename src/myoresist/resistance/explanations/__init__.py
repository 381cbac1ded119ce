"""What else explains that treatment did not work."""
