"""Question 4: what can be done next.

``options`` holds the options of every patient and ``advice`` the opinion on one of them. ``trials`` reads
published results and the rules by which they may be put together, ``intervals`` has the statistics of one
study, and ``evidence`` groups the studies of a treatment, with the summaries that were computed beforehand.
"""
