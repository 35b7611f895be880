from __future__ import annotations

import typing
from collections.abc import Callable
from pathlib import Path

import pytest

from keras_viz_callbacks.summary import event_file, summaries
from tensorboard_plugin import schema
from tensorboard_plugin.answers import json_bodies
from tests.helpers import synthetic_logs
from tests.helpers.tab_api import RUN, Api

ApiOf = Callable[[typing.Any], Api]


def test_runs(api: Api, log: synthetic_logs.Log, log_dir: str) -> None:
    answer = api.json("runs")
    (run,) = answer["runs"]
    size = Path(log.path).stat().st_size
    steps = [step for _, step in log.pictures]
    assert answer["version"] == json_bodies.API_VERSION
    assert answer["log_directories"] == [log_dir]
    assert answer["indexing"] == run.pop("indexing") == {"done": size, "total": size}
    assert run.pop("token") in answer["token"]
    assert run.pop("last_wall_time") > 1.7e9
    assert run == {
        "run": RUN,
        "name": "run1",
        "training": 1,
        "pictures": len(log.pictures),
        "steps": len(set(steps)),
        "first_step": min(steps),
        "last_step": max(steps),
        "names": [
            {"name": "activations", "kind": "channels", "title": "Activations", "item": "channel"},
            {"name": "filters", "kind": "patterns", "title": "Filter patterns", "item": "filter"},
            {"name": "grad_cam", "kind": "evidence", "title": "Grad-CAM", "item": None},
            {"name": "images", "kind": "image", "title": "Held-out images", "item": None},
        ],
        "problems": 0,
    }


def test_runs_are_in_the_order_in_which_people_count(tmp_path: Path, api_of: ApiOf) -> None:
    for name in ("run10", "run2", "a/run1", "Run3"):
        (tmp_path / name / "keras_viz").mkdir(parents=True)
    (tmp_path / "run2" / "keras_viz-2").mkdir()
    found = [(r["name"], r["training"]) for r in api_of(tmp_path).json("runs")["runs"]]
    assert found == [("Run3", 1), ("a/run1", 1), ("run2", 1), ("run2", 2), ("run10", 1)]


def test_numbers_that_json_has_not_become_null(
    tmp_path: Path, api_of: ApiOf, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = event_file.EventFile(str(tmp_path / "keras_viz"))
    content = (
        b'{"version":1,"technique":"t","tag":"t/a","width":1,"height":1,"dead_fraction":1e999,'
        b'"value_range":[-1e999,1e999],"metrics":{"loss":1e999},'
        b'"prediction":{"index":-3,"name":"x","probability":1e200},'
        b'"layer":{"path":"a","class_name":"A","index":0,"shape":[]}}'
    )
    monkeypatch.setattr(schema, "encode_record", lambda _: content)
    record = summaries.record(schema.Record("t", "t/a", 1, 1))._replace(record=None)
    file.write(0, [record, summaries.image("t/a", b"no picture", 1, 1)])
    file.close()
    api = api_of(tmp_path)
    api.settled()
    assert api.json("metrics", run="keras_viz")["metrics"] == {"loss": [None]}
    assert api.json("health", run="keras_viz")["values"] == [[None]]
    assert api.json("series", run="keras_viz", tag="t/a")["series"][0]["prediction"] is None
    record = api.json("record", run="keras_viz", tag="t/a", step=0)
    assert record["record"]["value_range"] == [None, None]
    assert record["picture"]["content_type"] == "application/octet-stream"
    assert api.get("thumbnail", run="keras_viz", tag="t/a", step=0).status_code == 410
