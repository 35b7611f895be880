"""One file a callback; base.py holds when to draw and what to do on failure."""
