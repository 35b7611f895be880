"""Every test here that starts an example in a process of its own is marked `recipe`."""

import os

import pytest

QUICK = {"test_scenes.py", "test_readme_recipes.py"}


def pytest_collection_modifyitems(items):
    for item in items:
        if item.path.is_relative_to(os.path.dirname(__file__)) and item.path.name not in QUICK:
            item.add_marker(pytest.mark.recipe)
