"""Makes one row of numbers from the events of one step.

In: what the training loop announces: outputs, gradients, parameters before and after the update.
Out: a float32 row in the order of :mod:`diagnostics.schema.columns`, and snapshots of histograms and units.
"""
