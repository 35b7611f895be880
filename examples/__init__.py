"""Recipes, each a short script that runs: ``python examples/quickstart.py``."""
