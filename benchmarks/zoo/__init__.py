"""The zoo: labelled runs that count how often the detector is right.

In: settings whose fault is known, each with its own seeds.
Out: the trained and judged runs, and the counts of right and wrong answers, as a Markdown page.
"""
