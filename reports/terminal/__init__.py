"""The live view of a run and of a study, and what is written to the terminal.

In: the rows of a run, from this process or from the log that another process writes; the progress of a study.
Out: frames of text that are drawn in place.
"""
