from __future__ import annotations

import io
import typing
from collections.abc import Callable

import numpy as np
import pytest
from PIL import Image

from tests.helpers import synthetic_logs
from tests.helpers.tab_api import RUN, Api

ApiOf = Callable[[typing.Any], Api]


def test_health_of_change_compares_with_the_capture_before(
    api: Api, log: synthetic_logs.Log
) -> None:
    while True:
        answer = api.json("health", run=RUN, measure="change", image="image_1", every=5)
        if not answer["pending"]:
            break
    assert answer["step"] == [0, 5, 10]
    for tag, row in zip(answer["tags"], answer["values"], strict=True):
        grey = [
            [
                np.asarray(
                    Image.open(io.BytesIO(log.pictures[tag, s].png)).convert("L"), np.float64
                )
                for s in (step - 1, step)
            ]
            for step in (5, 10)
        ]
        assert row[0] is None
        assert row[1:] == pytest.approx([np.abs(b - a).mean() / 255 for a, b in grey], abs=1e-4)
        assert row[1] > 0
