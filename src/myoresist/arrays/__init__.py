"""The one currency: truth, numbers and words of N patients as arrays."""
