"""The guide's page of each method, made from the docstring of its formula.

A docstring has a summary and sections: a title and a colon in a line of their own, and below them
Markdown that is indented by four spaces:

    Equation:            TeX between \\[ and \\], or in a line between \\( and \\).
    Source:              The paper. `arXiv:…` and `doi:…` become links.
    When not to believe it:
    Example:             A `python` block, which `tests/docs` runs.

The name of another method in backquotes becomes a link to its page.
"""

from __future__ import annotations

import inspect
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Protocol

from keras_viz_callbacks.maps.class_activation import METHODS
from keras_viz_callbacks.maps.pixel_attribution import ATTRIBUTIONS

REQUIRED = ("Source", "When not to believe it")
_TITLE = re.compile(r"^(\S[^\n]*):$", flags=re.MULTILINE)
_CODE = re.compile(r"(^```.*?^```$)", flags=re.MULTILINE | re.DOTALL)
_BEFORE_A_LINK = r"(?<![\[/])"  # neither the text of a link nor part of an address
_ARXIV = re.compile(_BEFORE_A_LINK + r"arXiv:(\d+\.\d+)")
_DOI = re.compile(_BEFORE_A_LINK + r"doi:(10\.\d+/[^\s,;]*\w)")


class Variant(Protocol):
    """What a registry holds.

    Attributes:
        name: Value of the argument that picks it.
        title: Heading of its page.
        formula: Function whose docstring is its page.
    """

    name: str
    title: str
    formula: Callable[..., Any]


@dataclass(frozen=True)
class Family:
    """Methods that answer the same question.

    Attributes:
        title: Heading of their table.
        question: Sentence between heading and table.
        argument: Name of the argument that picks one.
        methods: Each method by its name.
    """

    title: str
    question: str
    argument: str
    methods: Mapping[str, Variant]


# A new registry is one more entry: its pages, rows and tests follow.
FAMILIES = (
    Family(
        "Class activation methods",
        "Where in the image is the evidence for this class?",
        METHODS.argument,
        METHODS,
    ),
    Family(
        "Pixel attribution methods",
        "Which pixels raise the score of this class?",
        ATTRIBUTIONS.argument,
        ATTRIBUTIONS,
    ),
)


def variants() -> dict[str, Variant]:
    """Every method of every family by its name, which is that of its page too."""
    return {name: each for family in FAMILIES for name, each in family.methods.items()}


def page(variant: Variant) -> str:
    """The page of a method, in Markdown.

    Raises:
        ValueError: A required section is missing in the docstring.
    """
    summary, sections = parts(inspect.getdoc(variant.formula) or "")
    missing = [title for title in REQUIRED if not sections.get(title)]
    if missing:
        raise ValueError(
            f"The docstring of a method must have the sections {_listed(REQUIRED)}. "
            f"Received: {variant.name} without {_listed(missing)}. "
            "`docs/method_pages.py` says how a section is written."
        )
    lines = [f"# {variant.title}", summary]
    for title, text in sections.items():
        lines += [f"## {title}", text]
    return _linked("\n\n".join(lines) + "\n", variant)


def table() -> str:
    """The heading, question and table of each family, in Markdown."""
    lines = []
    for family in FAMILIES:
        lines += [f"## {family.title}", "", family.question, ""]
        lines += [f"| Method | How | `{family.argument}=` |", "|---|---|---|"]
        for name, variant in family.methods.items():
            summary, _ = parts(inspect.getdoc(variant.formula) or "")
            how = " ".join(summary.partition("\n\n")[0].split()).rstrip(".")
            lines.append(f'| [{variant.title}]({name}.md) | {how} | `"{name}"` |')
        lines.append("")
    return "\n".join(lines)


def parts(docstring: str) -> tuple[str, dict[str, str]]:
    """The summary of a docstring, and the text of each section by its title."""
    summary, *rest = _TITLE.split(docstring)
    titles, texts = rest[::2], rest[1::2]
    return summary.strip(), {
        title: inspect.cleandoc(text) for title, text in zip(titles, texts, strict=True)
    }


def _linked(text: str, of: Variant) -> str:
    """A page with links for papers and other methods, outside its code."""
    pieces = _CODE.split(text)
    for place in range(0, len(pieces), 2):
        piece = _ARXIV.sub(r"[arXiv:\1](https://arxiv.org/abs/\1)", pieces[place])
        piece = _DOI.sub(r"[doi:\1](https://doi.org/\1)", piece)
        for name, other in variants().items():
            if name != of.name:
                piece = piece.replace(f"`{name}`", f"[{other.title}]({name}.md)")
        pieces[place] = piece
    return "".join(pieces)


def _listed(titles: tuple[str, ...] | list[str]) -> str:
    return " and ".join(f"'{title}:'" for title in titles)
