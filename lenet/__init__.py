"""The trainer: layers, losses, optimisers and the loop that tells its hooks what it does."""
