"""Code that other people wrote.

In comes any object with forward and backward. Out goes a layer that can be run with any
parameters and asked for its gradients, whatever it calls them, and that is left as it was.
"""
