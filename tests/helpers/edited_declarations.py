"""A small recorded training after a change in the source of one declaration, and all that can be read of it.

    python -m tests.helpers.edited_declarations MODULE LOG EDITS

EDITS is a list of [old text, new text] as JSON; each old text stands in the module's source once. Nothing else
is changed, which is the point: what is declared once needs one edit.
"""

from __future__ import annotations

import importlib
import importlib.util
import json
import sys
from pathlib import Path
from typing import Any

from tests.helpers.forked import run

ROOT = Path(__file__).resolve().parents[2]


def recorded_with(module: str, edits: list[tuple[str, str]], log: Path) -> dict[str, Any]:
    """What a fresh process, in which ``module`` is edited, records in ``log`` and reads again."""
    command = ["-m", "tests.helpers.edited_declarations", module, str(log), json.dumps(edits)]
    found: dict[str, Any] = json.loads(run(*command, cwd=ROOT, project=False, check=True).stdout)
    return found


def import_edited(name: str, edits: list[tuple[str, str]]) -> None:
    """Import a module from its edited source, before anything else has imported it."""
    assert name not in sys.modules
    spec = importlib.util.find_spec(name)
    assert spec is not None
    assert spec.origin is not None
    source = Path(spec.origin).read_text()
    for old, new in edits:
        assert source.count(old) == 1, old
        source = source.replace(old, new)
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    exec(compile(source, spec.origin, "exec"), module.__dict__)


def record_and_read(log: str) -> dict[str, Any]:
    """Frames, attributes and header of a small training, and the page of the log format."""
    import h5py

    from diagnostics import Recorder, open_run
    from diagnostics.schema.markdown import log_format_markdown
    from tests.helpers.small_trainings import train

    train([Recorder(log)])
    with h5py.File(log) as file:
        attributes = {name: str(value) for name, value in file.attrs.items()}
        columns = [name.decode() for name in file["layout/columns"]["name"]]
    run = open_run(log)
    frames = {name: getattr(run, name).reset_index() for name in ("steps", "tensors", "activations")}
    return {
        "frames": {name: json.loads(frame.to_json(double_precision=15)) for name, frame in frames.items()},
        "attributes": attributes,
        "columns": columns,
        "header": {name: str(value) for name, value in vars(run.header).items()},
        "page": log_format_markdown(),
    }


if __name__ == "__main__":
    import_edited(sys.argv[1], json.loads(sys.argv[3]))
    sys.stdout.write(json.dumps(record_and_read(sys.argv[2])))
