import re
from pathlib import Path

EXAMPLES = Path(__file__).parents[2] / "examples"
README = (EXAMPLES / "README.md").read_text(encoding="utf-8")


def test_links_and_pictures_lead_somewhere():
    targets = [t for t in re.findall(r"\]\(([^)#]+)\)", README) if "://" not in t]
    assert [target for target in targets if not (EXAMPLES / target).exists()] == []


def test_the_measured_recipes_are_shown_each_with_a_picture():
    for recipe in ("localize", "detector", "segmenter", "custom_loop", "replay"):
        assert f"({recipe}.py)" in README
        picture = EXAMPLES.parent / "docs" / "images" / f"{recipe}.jpg"
        assert picture.stat().st_size < 300_000
        assert f"../docs/images/{recipe}.jpg)" in README
