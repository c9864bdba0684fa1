"""The wording of verdicts, rates, findings and remedies.

In: diagnoses, groups and rules.
Out: sentences; no other room words a verdict or a rate.
"""
