"""The log as a file: growing datasets, locks, signals, what happens when a write fails, and repair."""
