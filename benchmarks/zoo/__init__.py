"""How often the detector is right.

In: settings whose fault is known, each with seeds of its own.
Out: the trained and judged runs, and the counts of right and wrong answers, as a Markdown page.
"""
