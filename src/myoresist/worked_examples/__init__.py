"""The worked examples beside the knowledge: one format for every topic, and whether the rules agree with it.

An example has a name, the source that says so, what is given of a patient, and what has to come out of it.
``form`` holds the format, ``topics`` what each topic may be given and asked, ``run`` finds and runs them.
"""
