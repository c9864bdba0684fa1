"""Layers of a network: one idea a file."""
