"""The HDF5 log: written at every step, readable after a crash.

In: rows, tables and snapshots of a run that is being recorded.
Out: a file that survives its writer, and :func:`~diagnostics.log.reader.open_run`, which reads it as a Run.
"""
