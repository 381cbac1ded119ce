"""Question 4: what can be done next."""
