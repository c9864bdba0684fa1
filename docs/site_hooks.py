"""What the site has that docs/ does not: its first page, the changelog, and the reference of the API.

MkDocs calls the functions below. Pages of docs/ and of the site are the same files, with links that are relative in
the repository: those that lead out of docs/ become addresses in the repository, if the file is there.
"""

from __future__ import annotations

import importlib
import inspect
import logging
import os
import re
from pathlib import Path, PurePosixPath
from typing import Any

from docs.built_site import broken_links
from docs.links import PLACEHOLDER, REPOSITORY, address, changed_links

ROOT = Path(__file__).parents[1]
FROM_ROOT = {"README.md": "index.md", "CHANGELOG.md": "changelog.md", "CONTRIBUTING.md": "contributing.md"}
"""Pages of the site that are files beside docs/."""
API = {
    "diagnostics": ("diagnostics", "diagnostics.statistics", "diagnostics.study", "diagnostics.replay",
                    "diagnostics.imports", "diagnostics.adapters"),
    "lenet": ("lenet", "lenet.gradcheck"),
    "reports": (),
}  # fmt: skip
MORE = {
    "diagnostics": ("diagnostics.run.plots.RunPlots", "diagnostics.detect.findings.Finding",
                    "diagnostics.detect.link.Link", "diagnostics.detect.findings.Stretch",
                    "diagnostics.statistics.run_summary.RunSummary", "diagnostics.schema.run_info.RunInfo",
                    "diagnostics.record.training.run_training", "diagnostics.rescue.patient.examine",
                    "diagnostics.rescue.plan.make_plan", "diagnostics.rescue.experiment.Rescue",
                    "diagnostics.rescue.results.read_results", "diagnostics.log.repair.repair_log",
                    "diagnostics.errors"),
    "lenet": ("lenet.hooks.Hook", "lenet.errors"),
    "reports": ("reports.pages.run_page.write_report", "reports.pages.origin_page.write_origin",
                "reports.terminal.live.LiveView"),
}  # fmt: skip
"""Names that users meet and that stand in no ``__all__`` of these packages."""

log = logging.getLogger("mkdocs.plugins.site_hooks")


def on_config(config: Any) -> Any:
    """Pages that the navigation of mkdocs.yml does not name stand under "More", so that none is lost."""
    there = [str(page.relative_to(config.docs_dir)) for page in sorted(Path(config.docs_dir).rglob("*.md"))]
    there += [page for source, page in FROM_ROOT.items() if (ROOT / source).exists()]
    named = set(_named(config.nav))
    more = [page for page in there if page not in named]
    config.nav += [{"More": more}] if more else []
    return config


def on_files(files: Any, config: Any) -> Any:
    """Add the pages that are made for the site."""
    from mkdocs.structure.files import File

    for source, page in FROM_ROOT.items():
        if (ROOT / source).exists():
            files.append(File.generated(config, page, content=(ROOT / source).read_text(encoding="utf-8")))
    for package in API:
        files.append(File.generated(config, f"api/{package}.md", content=api_page(package)))
    return files


def on_page_markdown(markdown: str, page: Any, config: Any, files: Any) -> str:
    """Links as the site needs them, and fences without the words that only tests read."""
    sources = {page: source for source, page in FROM_ROOT.items()}
    source = sources.get(page.file.src_uri, f"docs/{page.file.src_uri}")
    linked = changed_links(_plain_fences(markdown), lambda target, is_image: _link(target, is_image, source))
    return linked.replace(PLACEHOLDER, REPOSITORY)


def on_page_content(html: str, page: Any, config: Any, files: Any) -> str:
    """The links of a notebook, which are turned into HTML without MkDocs, lead to pages as well."""
    if page.file.src_uri.endswith(".ipynb"):
        return re.sub(r'(href="[\w./-]+)\.md(["#])', r"\1.html\2", html)
    return html


def on_post_build(config: Any) -> None:
    """Warn of every link that leads nowhere; the build is strict, so a warning fails it."""
    for line in broken_links(Path(config.site_dir)):
        log.warning(line)


def api_page(package: str) -> str:
    """The reference of a package: every public name once, in the order of its rooms."""
    importlib.import_module(package)
    summary = (inspect.getdoc(importlib.import_module(package)) or "").split("\n\n")[0]
    names = dict.fromkeys([name for module in API[package] for name in _public(module)])
    parts = [f"# {package}", summary, *(f"::: {name}" for name in (*names, *MORE[package]) if name)]
    return "\n\n".join(parts) + "\n"


def _named(nav: Any) -> list[str]:
    """The pages that a navigation names, at any depth."""
    if isinstance(nav, str):
        return [nav]
    inner = nav.values() if isinstance(nav, dict) else nav
    return [page for part in inner for page in _named(part)]


def _public(module_name: str) -> list[str]:
    """Where the public names of a package are defined; constants stand with what they are an instance of."""
    module = importlib.import_module(module_name)
    things = [getattr(module, name) for name in module.__all__]
    found = [one for one in things if inspect.isclass(one) or inspect.isfunction(one)]
    return [f"{one.__module__}.{one.__qualname__}" for one in found]


def _link(target: str, is_image: bool, source: str) -> str:
    """Where a link of the file ``source`` of the repository leads in the site."""
    path, mark, anchor = target.partition("#")
    place = os.path.normpath(PurePosixPath(source).parent / path)
    if not (ROOT / place).exists():
        log.warning("%s: links to %s, which is not there", source, target)
        return target
    here = PurePosixPath(FROM_ROOT.get(source, source.removeprefix("docs/"))).parent
    if place in FROM_ROOT or place.startswith("docs/"):
        page = FROM_ROOT.get(place, place.removeprefix("docs/"))
        return os.path.relpath(page, here) + mark + anchor
    return address(place, is_image) + mark + anchor


def _plain_fences(markdown: str) -> str:
    return re.sub(r"^(```\w+) [\w -]+$", r"\1", markdown, flags=re.MULTILINE)
