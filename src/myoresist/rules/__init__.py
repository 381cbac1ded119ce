"""The one rule engine: SQL conditions over findings, in three-valued logic, on tables of patients.

``syntax`` parses and checks a condition, ``program`` compiles many of them to Polars, ``inference`` says
what follows from what was recorded, ``interpreter`` evaluates one condition naively and tells which
findings decided it, ``variants`` asks what an unknown finding could still change, and ``words`` says a
condition in English.
"""
