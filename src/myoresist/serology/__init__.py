"""Question 2: what do the autoantibodies say?

``results`` gathers antibody results, ``probability`` says how sure each antibody is, ``evaluate`` answers for
tables of patients, and ``explain`` puts one patient into words.
"""
