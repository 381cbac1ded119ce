"""Which disease is it: the weighing of diseases, the next test, and the reasons."""
