"""Statistics over many runs that never hide how many died.

In: runs, each reduced to a summary that is kept beside its log.
Out: groups with rates and means over all runs and over survivors, comparisons of arms, and the report's tracker.
"""
