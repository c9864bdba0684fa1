"""PyTorch is imported when a TorchRecorder is used, and never before."""

from __future__ import annotations

import re
from pathlib import Path

ROOT = Path(__file__).parents[3]


def test_pytorch_is_imported_only_when_it_is_used() -> None:
    for package in ("lenet", "diagnostics", "reports"):
        for path in (ROOT / package).rglob("*.py"):
            at_once = re.findall(r"^(?:import|from) torch\b", path.read_text(), re.MULTILINE)
            assert not at_once, path
            assert package == "diagnostics" or "import torch" not in path.read_text(), path
