"""Question 2: what do the autoantibodies say?

``results`` gathers antibody results, ``probability`` says how sure each antibody is, ``verdicts`` answers for
tables of patients, ``answers`` puts one patient into words, and ``worked_examples`` checks the knowledge.
"""
