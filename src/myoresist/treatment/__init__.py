"""Question 4: what can be done next?

``trials`` reads published results and the rules by which they may be put together, ``intervals`` has the
statistics of one study, and ``evidence`` groups the studies of a treatment, with the summaries that were
computed beforehand.
"""
