"""An assessment as text, in a notebook, and any entry of the knowledge in plain words."""
