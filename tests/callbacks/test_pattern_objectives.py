"""Objectives and parametrisations in a real training."""

import re

import numpy as np
import pytest

from keras_viz_callbacks import FilterPatterns
from keras_viz_callbacks.patterns.objectives import channel
from tests.helpers.models import small_model


def test_an_objective_has_one_grid_of_its_items(tmp_path, images, labels, read_log):
    objective = channel("conv_b", [3, 1]) + 0.5 * channel("conv_a", [0])
    own = FilterPatterns(tmp_path, filters=objective, steps=2)
    small_model().fit(images, labels, epochs=2, verbose=0, callbacks=[own])
    log = read_log(tmp_path)
    assert log.tags() == {"filters/conv_b"}
    record = log.records["keras_viz", "filters/conv_b", 1]
    assert record.grid.items == (3, 1)
    assert record.layer.path == "conv_b"
    assert (np.array(record.statistics.maximum) > record.statistics.start).all()
    assert record.note is None


def test_an_objective_names_its_own_layers(tmp_path):
    message = (
        "`layers` must be None where `filters` is an objective, which names its own layers. "
        "Received: layers='conv_a'"
    )
    with pytest.raises(ValueError, match=f"^{re.escape(message)}$"):
        FilterPatterns(tmp_path, layers="conv_a", filters=channel("conv_a", 2))


def test_an_unknown_parametrisation_is_refused_at_once(tmp_path):
    with pytest.raises(ValueError, match=r"`parametrisation` must be one of 'pixels'.*='unknown'"):
        FilterPatterns(tmp_path, parametrisation="unknown")
