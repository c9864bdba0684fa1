"""The wording of verdicts, rates, findings and remedies.

In: diagnoses, groups and rules.
Out: sentences. No other room words a verdict. :mod:`diagnostics.statistics.intervals` words a rate, since the text
file of the tracker has rates too.
"""
