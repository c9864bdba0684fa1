"""What would have saved a run: experiments on the very run, with control arms.

In: the log of a run that died, replayed to a branch point.
Out: one row a branch (arm, dose, order seed, fate) and, for each arm, what the counts show.
"""
