"""Every program in benchmarks/ starts, explains itself, and is listed in the docstring of the package."""

from __future__ import annotations

import importlib
import re
from pathlib import Path

import pytest

import benchmarks

FOLDER = Path(benchmarks.__file__).parent


def programs() -> list[str]:
    """All modules that can be run; the rivals of the trainer are started by it and by nobody else."""
    found = []
    for file in sorted(FOLDER.rglob("*.py")):
        module = ".".join(("benchmarks", *file.relative_to(FOLDER).with_suffix("").parts))
        if 'if __name__ == "__main__":' in file.read_text() and not module.endswith(".rivals"):
            found.append(module)
    return found


@pytest.mark.parametrize("module", programs())
def test_a_program_explains_itself(module, monkeypatch, capsys):
    monkeypatch.setattr("sys.argv", ["program", "--help"])

    with pytest.raises(SystemExit) as end:
        importlib.import_module(module).main()
    assert end.value.code in (0, None)
    assert f"python -m {module.removesuffix('.__main__')}" in capsys.readouterr().out


def test_the_package_lists_every_program_with_the_page_it_writes():
    listed = re.findall(r"python -m (benchmarks\.\S+)", benchmarks.__doc__)

    assert sorted(listed) == sorted(module.removesuffix(".__main__") for module in programs())
    for page in re.findall(r"docs/\S+\.md", benchmarks.__doc__):
        assert (FOLDER.parent / page).exists()
