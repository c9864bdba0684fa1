"""From the events of one step to one row of numbers.

In: what the training loop announces: outputs, gradients, parameters before and after the update.
Out: a float32 row in the order of :mod:`diagnostics.schema.columns`, and snapshots of histograms and units.
"""
