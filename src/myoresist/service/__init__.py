"""HTTP: the page and the API. A request is answered and forgotten; nothing of a patient is kept or logged."""
