"""Classification and diagnostic criteria: what they are made of, their answers, and the reasons."""
