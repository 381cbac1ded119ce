"""Question 3: what else explains the non-response? Treatment history, response and explanations."""
