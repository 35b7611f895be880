from __future__ import annotations

import re
import typing
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.helpers import synthetic_logs
from tests.helpers.tab_api import GRID, MAP, RUN, SPEC, Api

ApiOf = Callable[[typing.Any], Api]


def test_a_picture_with_its_stamp_is_fetched_once(api: Api) -> None:
    stamp = api.json("run", run=RUN)["steps"]["v"][3]
    query = {"run": RUN, "tag": MAP, "step": 3}
    for route in ("picture", "thumbnail", "heat_map", "record"):
        with_stamp = api.get(route, **query, v=stamp)
        assert with_stamp.headers["Cache-Control"] == "private, max-age=31536000, immutable"
        for other in ({}, {"v": "old"}):
            response = api.get(route, **query, **other)
            assert response.headers["Cache-Control"] == "no-cache"
            assert response.data == with_stamp.data


def test_a_file_deleted_under_it_is_gone_and_then_unknown(tmp_path: Path, api_of: ApiOf) -> None:
    log = synthetic_logs.write(str(tmp_path), SPEC)
    api = api_of(tmp_path)
    api.settled()
    Path(log.path).unlink()
    query = {"run": "keras_viz", "tag": GRID, "step": 3}
    assert api.get("picture", **query).get_json()["error"]["code"] == "gone"
    api.json("runs")
    assert api.get("picture", **query).get_json()["error"]["code"] == "unknown_tag"


NAMES = ["<img src=x onerror=alert(1)>", "a/b?c=d&e#f %", "日本語 \u202e", "'\"\n\t", "x" * 5000]


@pytest.mark.parametrize("name", NAMES)
def test_names_may_hold_anything(tmp_path: Path, api_of: ApiOf, name: str) -> None:
    spec = synthetic_logs.Spec(epochs=2, layers=1, images=1, channels=2, cell=4, size=8, name=name)
    log = synthetic_logs.write(str(tmp_path), spec)
    api = api_of(tmp_path)
    api.settled()
    run = api.json("run", run="keras_viz")
    assert [image["name"] for image in run["images"]] == [name]
    for tag in log.tags:
        response = api.get("picture", run="keras_viz", tag=tag, step=0, download=1)
        assert response.data == log.pictures[tag, 0].png
        stem = re.fullmatch(
            r'attachment; filename="([^"]*)";.*', response.headers["Content-Disposition"]
        )
        assert stem is not None
        assert re.fullmatch(r"[\w.+=-]{1,220}\.png", stem[1])
