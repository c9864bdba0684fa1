"""The layers of a network, one kind a file.

In: a batch, (N, H, W, C) or (N, F), or a shard of it with the batch last.
Out: the layer's output, and in the backward pass the gradients by its parameters and its input.
"""
