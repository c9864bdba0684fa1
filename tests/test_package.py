"""The wheel as another project gets it: built, installed where nothing else of ours is, used, and taken away again."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import tomllib
import venv
import zipfile
from collections.abc import Iterator
from email.message import Message
from email.parser import Parser
from importlib.metadata import Distribution, distribution
from pathlib import Path

import pytest
from markdown_it import MarkdownIt
from packaging.requirements import Requirement

from docs.links import PLACEHOLDER, REPOSITORY, URLS, for_elsewhere, is_relative, targets

ROOT = Path(__file__).parents[1]
VERSION = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]["version"]
PACKAGES = ("lenet", "diagnostics", "reports")
LIBRARY = """
import diagnostics as ld
run = ld.open_run("run.h5")
assert run._repr_html_().count("data:image/png") == 1
print(run.plot().axes[0].get_title(loc="left"), ld.__file__)
"""

pytestmark = pytest.mark.package  # a build and an installation


def call(*command: str | Path, cwd: Path) -> str:
    """What a command prints, outside of the repository and without what its environment says of Python."""
    environment = {name: value for name, value in os.environ.items() if not name.startswith(("PYTHON", "VIRTUAL_ENV"))}
    environment["XDG_CACHE_HOME"] = str(cwd / "cache")
    done = subprocess.run(
        list(map(str, command)), cwd=cwd, env=environment, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The wheel that `python -m build` makes of the committed files."""
    source = tmp_path_factory.mktemp("source")
    for name in call("git", "ls-files", cwd=ROOT).splitlines():
        if (ROOT / name).exists():
            (source / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(ROOT / name, source / name)
    call(sys.executable, "-m", "build", "--outdir", source / "dist", cwd=source)
    (built,) = (source / "dist").glob("*.whl")
    return built


def metadata(wheel: Path) -> Message:
    with zipfile.ZipFile(wheel) as archive:
        (name,) = [name for name in archive.namelist() if name.endswith(".dist-info/METADATA")]
        return Parser().parsestr(archive.read(name).decode())


def needed(name: str, found: dict[str, Distribution]) -> dict[str, Distribution]:
    """The distributions that the one of this name declares, and those that these declare, by name."""
    for line in distribution(name).requires or []:
        requirement = Requirement(line)
        if (requirement.marker is None or requirement.marker.evaluate({"extra": ""})) and requirement.name not in found:
            found[requirement.name] = distribution(requirement.name)
            needed(requirement.name, found)
    return found


def entries(folder: Path) -> Iterator[str]:
    """Every file and folder below a folder; links are not followed."""
    for place, folders, files in os.walk(folder):
        yield from (os.path.relpath(os.path.join(place, name), folder) for name in (*folders, *files))  # noqa: PTH118


@pytest.fixture(scope="module")
def environment(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An environment with pip and with what the package declares that it needs, and with nothing else."""
    folder = tmp_path_factory.mktemp("environment") / "venv"
    venv.create(folder, with_pip=True)
    (packages,) = folder.glob("lib/python*/site-packages")
    for one in needed("lenet-diag", {}).values():
        tops = {file.parts[0] for file in one.files or [] if file.parts[0] not in ("..", "__pycache__")}
        for top in tops:
            place = packages / top
            if not place.exists():
                place.symlink_to(Path(str(one.locate_file(top))))
    return folder


def test_the_wheel_holds_the_packages_and_their_data_and_nothing_else(wheel: Path) -> None:
    with zipfile.ZipFile(wheel) as archive:
        names = {name for name in archive.namelist() if ".dist-info/" not in name}

    tracked = call("git", "ls-files", *PACKAGES, cwd=ROOT).splitlines()
    assert {name for name in tracked if not name.endswith(".md")} <= names
    assert {name.split("/")[0] for name in names} == set(PACKAGES)
    assert len([name for name in names if name.startswith("lenet/data/mnist/") and name.endswith(".gz")]) == 4
    assert {f"{package}/py.typed" for package in PACKAGES} <= names


def test_its_metadata_say_who_made_it_and_where_more_stands(wheel: Path) -> None:
    told = metadata(wheel)

    assert (told["Name"], told["Version"]) == ("lenet-diag", VERSION)
    assert told["Author"] == "The lenet-diag authors"
    assert told["License-Expression"] == "MIT"
    assert len(told["Keywords"].split(",")) > 5
    assert "Typing :: Typed" in told.get_all("Classifier", [])
    assert dict(line.split(", ") for line in told.get_all("Project-URL", [])) == URLS


def test_its_version_is_a_release_of_the_changelog_or_goes_on_from_one() -> None:
    releases = re.findall(r"^## (\d+\.\d+\.\d+) - \d{4}-\d\d-\d\d$", (ROOT / "CHANGELOG.md").read_text(), re.MULTILINE)

    assert releases, "the changelog has releases"
    assert VERSION in releases or ".dev" in VERSION


def test_its_readme_works_on_an_index_page(wheel: Path) -> None:
    told = metadata(wheel)
    readme = str(told.get_payload())

    assert told["Description-Content-Type"] == "text/markdown"
    assert readme.strip() == for_elsewhere((ROOT / "README.md").read_text(encoding="utf-8")).strip()
    assert f"pip install git+{REPOSITORY}\n" in readme
    assert PLACEHOLDER not in readme
    ours = [target for target in targets(readme) if target.startswith(REPOSITORY)]
    assert len(ours) > 10
    shown = re.findall(r'(?:href|src|srcset)="([^"]+)"', MarkdownIt().render(readme))
    assert len(shown) >= len(ours)
    assert [target for target in shown if is_relative(target)] == []
    places = [re.sub(r"^/(raw|blob)/main/", "", target.removeprefix(REPOSITORY)).split("#")[0] for target in ours]
    assert [place for place in places if not (ROOT / place).exists()] == []


def test_it_works_outside_of_the_repository_and_leaves_nothing_behind(
    wheel: Path, environment: Path, tmp_path: Path
) -> None:
    before = set(entries(environment))
    pip = (environment / "bin" / "python", "-m", "pip", "--disable-pip-version-check")
    call(*pip, "install", "--quiet", "--no-index", "--no-deps", wheel, cwd=tmp_path)
    assert call(*pip, "check", cwd=tmp_path) == "No broken requirements found.\n"

    command = environment / "bin" / "lenet-diag"
    assert call(command, "--version", cwd=tmp_path).strip().endswith(VERSION)
    call(command, "train", "--steps", "30", "--limit", "5000", "--out", "run.h5", cwd=tmp_path)
    assert call(command, "report", "run.h5", cwd=tmp_path) == "run.report/report.html\n"
    assert str(environment) in call(environment / "bin" / "python", "-c", LIBRARY, cwd=tmp_path)

    call(*pip, "uninstall", "--quiet", "--yes", "lenet-diag", cwd=tmp_path)
    left = {name.split("/site-packages/")[-1] for name in set(entries(environment)) - before}
    others = ("pip/", "__pycache__")  # pip's own, and modules of others that are a single file, as Python compiles them
    assert {name for name in left if not name.startswith(others)} == set()
