"""What may be done with a run that dies: go on, stop it, or stop it and start another, so many times."""

from __future__ import annotations

from typing import Literal

OnDefect = Literal["continue", "stop", "restart"]
RESTARTS = 3
"""How often a dead run is followed by one with another seed, at most."""
