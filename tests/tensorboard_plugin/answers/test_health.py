from __future__ import annotations

import typing
from collections.abc import Callable

import pytest

from tests.helpers import synthetic_logs
from tests.helpers.tab_api import RUN, SPEC, Api

ApiOf = Callable[[typing.Any], Api]


def test_health_of_dead_channels(api: Api, log: synthetic_logs.Log) -> None:
    run = api.json("run", run=RUN)
    answer = api.json("health", run=RUN, first=2, every=3)
    assert (answer["measure"], answer["name"], answer["image"]) == (
        "dead_channels",
        "activations",
        None,
    )
    assert answer["step"] == [2, 5, 8, 11]
    assert [run["layers"][i]["index"] for i in answer["layers"]] == list(range(SPEC.layers))
    for tag, row in zip(answer["tags"], answer["values"], strict=True):
        expected = [log.pictures[tag, step].dead for step in answer["step"]]
        assert row == pytest.approx(expected, abs=1e-4)
    assert any(v for row in answer["values"] for v in row)
    one = api.json("health", run=RUN, image="image_1")
    assert one["image"] == "image_1"
    assert all(tag.endswith("/image_1") for tag in one["tags"])
