"""The hook that measures, judges and logs a training.

In: a training, by the events of its loop.
Out: a judged log, and the diagnosis when the training ends.
"""
