"""The consult: the state of the patient and what to do, as a specialist would write to a colleague."""
