from __future__ import annotations

import typing
from collections.abc import Callable

from tensorboard_plugin.log.byte_cache import ByteCache
from tests.helpers.tab_api import Api

ApiOf = Callable[[typing.Any], Api]


def test_thumbnails_are_kept_up_to_so_many_bytes() -> None:

    cache = ByteCache(100)
    for key in range(50):
        assert cache.get(key, lambda: b"x" * 10) == b"x" * 10
    assert cache.size <= 100
    assert cache.get(49, lambda: b"made again") == b"x" * 10
    assert cache.get(0, lambda: b"made again") == b"made again"
    cache.get("large", lambda: b"x" * 1000)
    assert cache.size <= 100
