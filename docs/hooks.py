"""What mkdocs does beside its plugins: equations as MathML, and HTTP_API.md as it is read here."""

from __future__ import annotations

import html
import re
from pathlib import Path
from typing import Any

from latex2mathml.converter import convert

EQUATION = re.compile(
    r'<(?P<element>div|span) class="arithmatex">\\[\[(](?P<tex>.*?)\\[\])]</(?P=element)>',
    flags=re.DOTALL,
)


HTTP_API = Path(__file__).resolve().parents[1] / "tensorboard_plugin/HTTP_API.md"
CODE = 4  # spaces before code, as both kinds of Markdown have it
IN_A_LIST = 2 + CODE  # before code in a list: Python-Markdown wants two more


def on_page_markdown(content: str, page: Any, **_: Any) -> str:
    """Puts HTTP_API.md, which is written for GitHub's Markdown, in the place of its page."""
    if page.file.src_uri != "reference/http_api.md":
        return content
    lines, depth = [], 0
    for line in HTTP_API.read_text(encoding="utf-8").splitlines():
        indent = len(line) - len(line.lstrip())
        if line and indent < depth:
            depth = 0
        if depth == 0 and indent in (CODE, IN_A_LIST) and not lines[-1]:
            depth = indent
        lines.append(f"  {line}" if line and depth == IN_A_LIST else line)
    return "\n".join(lines)


def on_page_content(content: str, **_: Any) -> str:
    """Puts MathML, which browsers draw without a script, in the place of each equation."""
    return EQUATION.sub(_as_mathml, content)


def _as_mathml(found: re.Match[str]) -> str:
    display = "block" if found["element"] == "div" else "inline"
    mathml = convert(html.unescape(found["tex"]).strip(), display=display)
    return f"<{found['element']}>{mathml}</{found['element']}>"
