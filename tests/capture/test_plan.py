"""A plan is made from a survey and the user's words, and from nothing else."""

import keras
import numpy as np
import pytest
from keras import layers

from keras_viz_callbacks.capture.plan import (
    plan_activations,
    plan_class_maps,
    plan_score,
    report_choice,
)
from keras_viz_callbacks.capture.survey import survey
from tests.helpers.models import small_model


@pytest.fixture(scope="module")
def surveyed():
    return survey(small_model(), np.zeros((1, 16, 16, 3), np.float32))


def paths(plan):
    return [call.path for call in plan.calls]


def test_a_plan_of_activations_has_layers_and_no_score(surveyed):
    plan = plan_activations(["conv_b", "pool"])(surveyed)
    assert paths(plan) == ["pool", "conv_b"]
    assert plan.target is None
    assert plan.survey is surveyed
    assert plan.class_output.classes == 3


def test_a_plan_of_class_maps_has_both(surveyed):
    plan = plan_class_maps(None, [2, 0], 2)(surveyed)
    assert paths(plan) == ["conv_b"]
    np.testing.assert_array_equal(plan.score.classes, [2, 0])
    assert plan.class_output is plan.score.output


def test_a_plan_of_a_score_has_no_layers(surveyed):
    plan = plan_score(1, 3)(surveyed)
    assert paths(plan) == []
    np.testing.assert_array_equal(plan.score.classes, [1, 1, 1])


def test_planning_twice_makes_the_same_plan_and_logs_nothing(surveyed, caplog):
    caplog.set_level("INFO")
    planner = plan_class_maps(None, None, 2)
    first, second = planner(surveyed), planner(surveyed)
    assert paths(first) == paths(second)
    np.testing.assert_array_equal(first.score.classes, second.score.classes)
    assert caplog.records == []


def test_the_chosen_output_is_reported_where_there_are_several(caplog):
    inputs = keras.Input((8, 8, 3))
    x = layers.GlobalAveragePooling2D()(layers.Conv2D(4, 3)(inputs))
    heads = [layers.Dense(n, activation="softmax", name=f"head{n}")(x) for n in (2, 3)]
    found = survey(keras.Model(inputs, heads), np.zeros((1, 8, 8, 3), np.float32))
    caplog.set_level("INFO")
    report_choice(plan_score(None, 1)(found))
    assert [record.message for record in caplog.records] == [
        "Class maps explain the output 'head2', the first of 'head2' of shape (batch, 2), 'head3' "
        "of shape (batch, 3) that looks like classes; `target` takes the name of another."
    ]
    caplog.clear()
    report_choice(plan_score("head3", 1)(found))
    assert caplog.records == []


def test_an_unknown_layer_is_refused_before_a_pass(surveyed):
    with pytest.raises(ValueError, match="No layer of the model has the name"):
        plan_class_maps("conv_z", None, 1)(surveyed)
