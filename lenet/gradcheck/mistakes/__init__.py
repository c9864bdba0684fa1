"""What is wrong with a gradient.

In comes a layer with its gradients and their finite differences. Out go sentences: the kind
of each mistake, and what one layer alone cannot decide.
"""
