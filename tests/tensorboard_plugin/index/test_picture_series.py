from __future__ import annotations

from collections.abc import Callable

from tensorboard_plugin.index.log_index import LogIndex
from tests.helpers import synthetic_logs

IndexOf = Callable[..., LogIndex]
SMALL = synthetic_logs.Spec(epochs=3, layers=1, images=1, channels=2, cell=4, size=8)


def test_a_picture_costs_few_bytes(log_dir: str, index_of: IndexOf) -> None:
    run = index_of(log_dir).runs["run1/keras_viz"]
    series = run.series["activations/conv2d_0/image_0"]
    assert series.columns.bytes_of_a_row <= 100
