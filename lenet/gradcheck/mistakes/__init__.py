"""Names the mistakes in gradients.

In: a layer with its gradients and their finite differences.
Out: sentences that name the kind of each mistake, and what one layer alone cannot decide.
"""
