"""Question 3: what else explains that treatment does not help? Response, adequacy, explanations."""
