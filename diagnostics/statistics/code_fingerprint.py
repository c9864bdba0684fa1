"""A fingerprint of code that changes with its statements, and not with its comments or docstrings."""

from __future__ import annotations

import ast
from collections.abc import Iterable
from hashlib import sha256
from pathlib import Path


def fingerprint(files: Iterable[Path]) -> str:
    """Sixteen hexadecimal digits for these Python files; their names and their order count."""
    digest = sha256()
    for file in files:
        digest.update(f"{file.name}\n{statements(file.read_text(encoding='utf-8'))}\n".encode())
    return digest.hexdigest()[:16]


def statements(source: str) -> str:
    """The syntax tree of a module as text, without comments, docstrings and other texts that are not used."""
    return ast.dump(_WithoutDocstrings().visit(ast.parse(source)))


class _WithoutDocstrings(ast.NodeTransformer):
    """Drops every statement that is a constant and nothing else."""

    def visit_Expr(self, node: ast.Expr) -> ast.Expr | None:
        return None if isinstance(node.value, ast.Constant) else node
