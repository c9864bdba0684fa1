"""The training loop and its parts.

In: a network, data and hooks.
Out: a trained network, and events for the hooks at every step. A loop that a user wrote announces the same events.
"""
