"""Questions to a freeze: the folder of answers about a registry, taken as it is."""
