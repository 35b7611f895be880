"""Make the lesson from its source: lesson.py, and a notebook for each language.

    python examples/lesson/build.py             # after a change in source.txt
    python examples/lesson/build.py --execute   # and fill the notebooks with pictures (minutes)

A notebook keeps its outputs as long as its code does not change.
"""

from __future__ import annotations

import argparse
import base64
import io
import json
import re
from pathlib import Path

from PIL import Image

HERE = Path(__file__).parent
LANGUAGES = ("en", "es")
CELL = re.compile(r"^# %%(?: \[(\w+)\])?\n", re.MULTILINE)
BILINGUAL = re.compile(r"«([^«»|]*)\|([^«»]*)»")
COLOURS = 128  # of a PNG in a notebook


def source_cells() -> list[tuple[str, str]]:
    """The kind of each cell (a language, notebook, script, or nothing for all) and its text."""
    _, *parts = CELL.split((HERE / "source.txt").read_text(encoding="utf-8"))
    return [
        (kind or "", text.strip("\n")) for kind, text in zip(parts[::2], parts[1::2], strict=True)
    ]


def cells(language: str, product: str) -> list[tuple[str, str]]:
    """The cells of one product in one language: "markdown" or "code", and the text."""
    chosen = []
    for kind, text in source_cells():
        if kind == language:
            chosen.append(("markdown", re.sub(r"^# ?", "", text, flags=re.MULTILINE)))
        elif kind in ("", product):
            group = 1 + LANGUAGES.index(language)
            chosen.append(("code", BILINGUAL.sub(lambda match, g=group: match[g], text)))
    return chosen


def script() -> str:
    """The lesson as a script, with its text as comments; in editors, ``# %%`` begins a cell."""
    lesson = (
        '"""The lesson "What convnets learn" as a script; build.py makes it from source.txt."""\n'
    )
    for kind, text in cells("en", "script"):
        if kind == "markdown":
            marked = "\n".join(f"# {line}".rstrip() for line in text.splitlines())
            lesson += f"\n# %% [markdown]\n{marked}\n"
        else:
            gap = "\n" if text.startswith("def ") else ""
            after = "\n" if text.splitlines()[-1].startswith(" ") and "\ndef " in text else ""
            lesson += f"{gap}\n# %%\n{text}\n{after}"
    return lesson.rstrip("\n") + "\n"


def notebook(language: str) -> dict:
    """The lesson as a notebook without outputs."""
    made = []
    for number, (kind, text) in enumerate(cells(language, "notebook")):
        cell = {"cell_type": kind, "id": f"cell-{number}", "metadata": {}}
        cell["source"] = text.splitlines(keepends=True)
        if kind == "code":
            cell |= {"execution_count": None, "outputs": []}
            if "EPOCHS, PIECES =" in text:
                cell["metadata"] = {"tags": ["parameters"]}
        made.append(cell)
    kernel = {"display_name": "Python 3", "language": "python", "name": "python3"}
    metadata = {"kernelspec": kernel, "language_info": {"name": "python"}}
    return {"cells": made, "metadata": metadata, "nbformat": 4, "nbformat_minor": 5}


def code_of(made: dict) -> list[list[str]]:
    """The code of a notebook, cell by cell."""
    return [cell["source"] for cell in made["cells"] if cell["cell_type"] == "code"]


def keep_outputs(made: dict, path: Path) -> None:
    """Copy the outputs of the existing file, if all its code is the same."""
    old = json.loads(path.read_text(encoding="utf-8")) if path.exists() else {"cells": []}
    if code_of(old) == code_of(made):
        kept = iter(cell for cell in old["cells"] if cell["cell_type"] == "code")
        for cell in made["cells"]:
            if cell["cell_type"] == "code":
                was = next(kept)
                cell |= {key: was[key] for key in ("execution_count", "outputs")}


def executed(made: dict) -> dict:
    """The notebook with its outputs, the pictures at a third of their bytes."""
    import nbformat
    from nbclient import NotebookClient

    node = nbformat.reads(json.dumps(made), as_version=4)
    NotebookClient(node, timeout=3600, kernel_name="python3").execute()
    filled = json.loads(nbformat.writes(node))
    for cell in filled["cells"]:
        cell["metadata"].pop("execution", None)  # when it ran
        for output in cell.get("outputs", []):
            if "image/png" in output.get("data", {}):
                kind, data = light(output["data"].pop("image/png"))
                output["data"][kind] = data
        if "outputs" in cell:  # messages of libraries about the machine
            cell["outputs"] = [o for o in cell["outputs"] if o.get("name") != "stderr"]
    return filled


def light(encoded: str) -> tuple[str, str]:
    """A base64 PNG as a PNG of few colours or as a JPEG, whichever is smaller, and its type."""
    picture = Image.open(io.BytesIO(base64.b64decode(encoded))).convert("RGB")
    few, photograph = io.BytesIO(), io.BytesIO()
    picture.quantize(COLOURS, dither=Image.Dither.NONE).save(few, "PNG", optimize=True)
    picture.save(photograph, "JPEG", quality=85, subsampling=0, optimize=True)
    kind, buffer = min(
        ("image/png", few), ("image/jpeg", photograph), key=lambda made: len(made[1].getvalue())
    )
    return kind, base64.b64encode(buffer.getvalue()).decode()


def main() -> None:
    parser = argparse.ArgumentParser(description="Make lesson.py and the notebooks.")
    parser.add_argument("--execute", action="store_true", help="fill in the outputs")
    parser.add_argument("--output", type=Path, default=HERE, help="folder to write to")
    chosen = parser.parse_args()

    (chosen.output / "lesson.py").write_text(script(), encoding="utf-8")
    for language in LANGUAGES:
        path = chosen.output / f"lesson.{language}.ipynb"
        made = notebook(language)
        keep_outputs(made, path)
        if chosen.execute:
            print(f"Executing {path.name} …", flush=True)
            made = executed(made)
        text = json.dumps(made, ensure_ascii=False, indent=1) + "\n"
        path.write_text(text, encoding="utf-8")
        print(f"{path}: {path.stat().st_size // 1000} kB")


if __name__ == "__main__":
    main()
