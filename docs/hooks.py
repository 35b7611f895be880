"""What mkdocs does beside its plugins.

- Each method has a page and a row in a table, made from the docstring of its formula.
- Each view of the tab has a section, made from the first comment of its file.
- HTTP_API.md is a page.
- Equations become MathML.
"""

from __future__ import annotations

import html
import os
import re
import sys
from pathlib import Path
from typing import Any

from latex2mathml.converter import convert
from mkdocs.structure.files import File

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")
sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from docs import method_pages, view_sections

EQUATION = re.compile(
    r'<(?P<element>div|span) class="arithmatex">\\[\[(](?P<tex>.*?)\\[\])]</(?P=element)>',
    flags=re.DOTALL,
)
METHODS = "<!-- methods -->"
HTTP_API = Path(__file__).resolve().parents[1] / "tensorboard_plugin/HTTP_API.md"
CODE = 4  # spaces before code, as both kinds of Markdown have it
IN_A_LIST = 2 + CODE  # before code in a list: Python-Markdown wants two more


def on_config(config: Any, **_: Any) -> None:
    """Adds the pages of the methods to the navigation, at the end of its section "Methods"."""
    (pages,) = (entry["Methods"] for entry in config.nav if "Methods" in entry)
    pages.extend(f"methods/{name}.md" for name in method_pages.variants())


def on_files(files: Any, config: Any, **_: Any) -> None:
    """Makes the pages of the methods."""
    for name, variant in method_pages.variants().items():
        text = method_pages.page(variant)
        files.append(File.generated(config, f"methods/{name}.md", content=text))


def on_page_markdown(content: str, page: Any, **_: Any) -> str:
    """Puts the tables of the methods and HTTP_API.md where they belong."""
    if page.file.src_uri == "methods/index.md":
        return content.replace(METHODS, method_pages.table())
    if page.file.src_uri == "guide/tab.md":
        return content.replace(view_sections.PLACE, view_sections.markdown())
    return http_api() if page.file.src_uri == "reference/http_api.md" else content


def http_api() -> str:
    """HTTP_API.md, which is written for GitHub's Markdown, for Python-Markdown."""
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
