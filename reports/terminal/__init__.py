"""The live view: one small state, one renderer, and two that feed it (this process, another one's log)."""
