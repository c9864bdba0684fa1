"""`python -m reports`: the same as `lenet-diag`."""

from __future__ import annotations

from reports.cli import main

if __name__ == "__main__":
    main(prog_name="lenet-diag")
