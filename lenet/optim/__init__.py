"""What changes the weights: optimisers, learning-rate schedules and penalties.

In: flat arrays of parameters and gradients.
Out: the same parameters, updated in place.
"""
