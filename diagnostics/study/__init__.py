"""Many trainings over seeds and settings, in parallel.

In: a plan: settings, seeds and arms.
Out: a folder of logs that can be continued, and their results by arm.
"""
