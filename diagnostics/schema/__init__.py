"""What is measured at each step, and how a log is laid out.

In: nothing; this room holds declarations only.
Out: columns, tables and header attributes, for every room that measures, writes, reads or judges.
"""
