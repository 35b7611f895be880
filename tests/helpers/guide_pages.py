"""The pages of the guide, those made from docstrings included, and the code blocks in them."""

from __future__ import annotations

import inspect
import re
import textwrap
from dataclasses import dataclass
from pathlib import Path

from docs.method_pages import variants

ROOT = Path(__file__).parents[2]
_FENCE = re.compile(
    r"^(?P<indent> *)```(?P<info>[^\n]*)\n(?P<text>.*?)^(?P=indent)```$",
    flags=re.DOTALL | re.MULTILINE,
)


@dataclass(frozen=True)
class Page:
    """A file of Markdown, or a function whose docstring is a page.

    Attributes:
        name: Path below the repository, and the name of the function.
        text: The Markdown, or the function's source.
        line: Line of the file at which the text begins, counted from 1.
    """

    name: str
    text: str
    line: int = 1


@dataclass(frozen=True)
class Block:
    """A fenced block of a page.

    Attributes:
        line: Number of its first line in the file, counted from 1.
        info: Text after the opening fence, such as ``python``.
        text: Text between the fences.
    """

    line: int
    info: str
    text: str


def page(path: Path) -> Page:
    """A file of Markdown."""
    return Page(path.relative_to(ROOT).as_posix(), path.read_text(encoding="utf-8"))


def _method_pages() -> list[Page]:
    """The functions from whose docstrings `docs/hooks.py` makes pages."""
    pages = []
    for name, variant in variants().items():
        file = Path(inspect.getfile(variant.formula)).relative_to(ROOT)
        lines, first = inspect.getsourcelines(variant.formula)
        pages.append(Page(f"{file.as_posix()}::{name}", "".join(lines), first))
    return pages


README = page(ROOT / "README.md")
PAGES = [README, *map(page, sorted((ROOT / "docs").rglob("*.md"))), *_method_pages()]


def blocks(of: Page) -> list[Block]:
    """The fenced blocks of a page, in order."""
    return [
        Block(
            of.line + of.text.count("\n", 0, found.start("text")),
            found["info"],
            textwrap.dedent(found["text"]),
        )
        for found in _FENCE.finditer(of.text)
    ]
