"""How the thresholds of the rules were found.

In: healthy and defect runs, trained with many settings and seeds.
Out: healthy bands, patience and grace, as a Markdown page.
"""
