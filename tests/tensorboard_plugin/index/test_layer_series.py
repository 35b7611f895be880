from __future__ import annotations

import math

from tensorboard_plugin.index.layer_series import LayerSeries

LAYER = {"path": "conv1", "class_name": "Conv2D", "index": 0, "shape": [4, 4, 8]}


def numbers_of(series: LayerSeries, measure: str) -> dict[int, float]:
    column = series.columns.measures[measure]
    return {s: v for s, v in zip(series.step, column, strict=True) if not math.isnan(v)}


def test_tables_of_one_file_add_to_a_step() -> None:
    series = LayerSeries("activations", LAYER)
    assert series.put(3, 0, {"a": 1.0})
    assert series.put(1, 0, {"a": 2.0})
    assert series.put(3, 0, {"b": 3.0})
    assert numbers_of(series, "a") == {1: 2.0, 3: 1.0}
    assert numbers_of(series, "b") == {3: 3.0}


def test_a_later_file_replaces_a_step_and_an_earlier_one_does_not() -> None:
    series = LayerSeries("activations", LAYER)
    series.put(1, 0, {"a": 1.0, "b": 1.0})
    assert series.put(1, 1, {"a": 2.0})
    assert not series.put(1, 0, {"a": 3.0, "b": 3.0})
    assert numbers_of(series, "a") == {1: 2.0}
    assert numbers_of(series, "b") == {}
