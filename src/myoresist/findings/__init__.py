"""What follows from what is recorded, what contradicts itself, and what an answer would change."""
