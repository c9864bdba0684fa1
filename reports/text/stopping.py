"""What it costs to stop runs as soon as they are called defect runs, by the counts of the zoo."""

from __future__ import annotations

from diagnostics.detect.track_record import stopped_though_alive


def stopping_price() -> str:
    """How many of the zoo's runs that were alive in the end would have been stopped, as a clause."""
    price = stopped_though_alive()
    share = f" (at most {100 * price.at_most:.1f} % at 95 %)" if price.n else ""
    return f"of {price.n:,} runs that were alive in the end it would have ended {price.k:,}{share}"
