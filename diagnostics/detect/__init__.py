"""From rows to a verdict, a chain of findings and remedies.

In: rows, one at a time, live or from a log.
Out: findings and a :class:`~diagnostics.detect.findings.Diagnosis`: verdict, stretches, first link and remedies.
"""
