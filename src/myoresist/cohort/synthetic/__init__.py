"""Made-up patients: who they are, how they are followed, what they are given, what is written down."""
