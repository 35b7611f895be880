"""The guide's section of each view of the tab, made from the first comment of its file.

The comment's first paragraph describes the view's picture, also for those who can't see it; the
others are the section. Label and key are those that the view declares.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
STATIC = ROOT / "tensorboard_plugin/static"
PLACE = "<!-- views -->"
"""Where the sections go in the guide's page of the tab."""

_COMMENT = re.compile(r"\A/\*\*(.*?)\*/", flags=re.DOTALL)
_STAR = re.compile(r"^ *\* ?", flags=re.MULTILINE)
_ID = re.compile(r'^  id: "(.*?)",$', flags=re.MULTILINE)
_LABEL_AND_KEY = re.compile(r'label: "(.*?)",\s+key: "(.*?)"')


@dataclass(frozen=True)
class ViewSection:
    """What a view's file says of it.

    Attributes:
        id: Its name in the address.
        label: Its button.
        key: The key that opens it.
        picture: What its picture shows.
        text: What it does.
    """

    id: str
    label: str
    key: str
    picture: str
    text: str


def view_sections() -> list[ViewSection]:
    """The section of each view, in the order of their keys.

    Raises:
        ValueError: A view has no comment of two paragraphs.
    """
    found = []
    for path in STATIC.glob("views/*/*_view.js"):
        source = path.read_text(encoding="utf-8")
        declared, label = _ID.search(source), _LABEL_AND_KEY.search(source)
        if declared is None or label is None:
            continue  # a base of views
        comment = _COMMENT.match(source)
        paragraphs = [] if comment is None else _paragraphs(comment[1])
        if len(paragraphs) < 2:
            raise ValueError(
                "The file of a view must begin with a comment of two paragraphs: what its picture "
                f"shows, and what it does. Received: {path.relative_to(ROOT)}"
            )
        picture, *text = paragraphs
        found.append(
            ViewSection(declared[1], label[1], label[2], picture.rstrip("."), "\n\n".join(text))
        )
    return sorted(found, key=lambda section: section.key)


def markdown() -> str:
    """The sections, each with its picture where there is one."""
    lines = []
    for section in view_sections():
        lines += [f"### {section.label}", ""]
        picture = f"images/tab_{section.id}_light.png"
        if (ROOT / "docs" / picture).exists():
            lines += [f"![{section.picture}](../{picture})", ""]
        lines += [section.text, ""]
    return "\n".join(lines)


def _paragraphs(comment: str) -> list[str]:
    text = _STAR.sub("", comment).strip()
    return [" ".join(paragraph.split()) for paragraph in re.split(r"\n\s*\n", text) if paragraph]
