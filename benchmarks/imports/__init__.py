"""Logs in the formats of other tools: whether the verdict stays the same, and how long they take to read.

In: a folder of logs of lenet-diag.
Out: docs/benchmarks/imports.md.
"""
