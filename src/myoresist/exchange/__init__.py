"""Records of other systems become cases, by code, with what could not be read."""
