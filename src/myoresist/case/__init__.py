"""What is known of a patient: the finding catalogue, the case file, and the row it becomes."""
