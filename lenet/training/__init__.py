"""The training loop and all that takes part in it.

In: a network, data and hooks.
Out: a trained network; hooks are told of every step. Loops of one's own tell the same events.
"""
