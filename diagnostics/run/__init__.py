"""One training run as pandas frames.

In: rows and tables from memory or from a log; this room knows no file format.
Out: a :class:`~diagnostics.run.run.Run` with frames, snapshots and its diagnosis.
"""
