"""The wording of verdicts, rates, findings and remedies.

In: diagnoses, groups and rules.
Out: sentences; no other room words a verdict. A rate is worded in :mod:`diagnostics.statistics.intervals`, since the
text file of the tracker has rates too, and all reports take it from there.
"""
