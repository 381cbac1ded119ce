"""A mapping file proposed from the headers and values of a registry, to be confirmed by who knows it."""
