"""Files in an fsspec file system: what the writer needs of one."""

from __future__ import annotations

import contextlib
from typing import Any


def names_in(store: Any, directory: str) -> list[str]:
    """Names in a directory of a store; none where there is no such directory."""
    store.invalidate_cache(directory)
    try:
        paths = store.ls(directory, detail=False)
    except FileNotFoundError:
        return []
    return [path.rstrip("/").rpartition("/")[2] for path in paths]


def put(store: Any, path: str, data: bytes) -> None:
    """Writes a complete file, and makes its directories where the store has directories."""
    try:
        store.pipe_file(path, data)
    except FileNotFoundError:
        parts = path.split("/")[:-1]
        # Never the first one: it may be a bucket, which is not ours to make.
        for depth in range(2, len(parts) + 1):
            with contextlib.suppress(Exception):
                store.mkdir("/".join(parts[:depth]), create_parents=False)
        store.pipe_file(path, data)
