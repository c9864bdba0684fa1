"""What it costs to end runs as soon as they are called defect runs, as it was counted."""

from __future__ import annotations

from diagnostics.detect.track_record import stopped_though_alive


def stopping_price() -> str:
    """Of the runs of the zoo that were alive in the end, how many would have been ended, as a clause."""
    price = stopped_though_alive()
    share = f" (at most {100 * price.at_most:.1f} % at 95 %)" if price.n else ""
    return f"of {price.n:,} runs that were alive in the end it would have ended {price.k:,}{share}"
