"""Every technique inside a real ``fit`` on every kind of model; nothing of the model changes."""

import keras
import numpy as np
import pytest

from keras_viz_callbacks import ActivationGrid, FilterPatterns, GradCAM, activation_maps
from tests.helpers.backends import BACKEND
from tests.helpers.event_logs import rgb
from tests.helpers.model_kinds import KINDS, TECHNIQUES
from tests.helpers.model_state import assert_same_state, state_of

REFUSALS = {
    "no_spatial_layer": "`layers=None` picks every convolution, and the model has none",
    "default": "Filter patterns need a model with one input of shape",
}


def make(name):
    for backend, reason in KINDS[name].not_on.items():
        if backend == BACKEND:
            pytest.skip(f"not on {backend}: {reason}")
    keras.utils.set_random_seed(4)
    return KINDS[name].make()


def fit(case, callbacks=()):
    case.model.fit(
        case.x, case.y, **{"batch_size": 4, **case.fit}, verbose=0, callbacks=list(callbacks)
    )


def callback(technique, case, log_dir):
    if technique == "filters":
        return FilterPatterns(log_dir, filters=2, steps=2, on_error="raise")
    held = keras.tree.map_structure(lambda part: part[:3], case.x)
    if technique == "activations":
        return ActivationGrid(log_dir, held, on_error="raise", **case.images)
    return GradCAM(log_dir, held, on_error="raise", **case.images, **case.classes)


def weights(case):
    return [keras.ops.convert_to_numpy(variable) for variable in case.model.variables]


@pytest.mark.parametrize("name", KINDS)
def test_each_technique_draws_and_the_weights_are_bit_for_bit_the_same(name, tmp_path, read_log):
    alone = make(name)
    fit(alone)
    case = make(name)
    fit(case, [callback(technique, case, tmp_path) for technique in case.techniques])
    for own, observed in zip(weights(alone), weights(case), strict=True):
        np.testing.assert_array_equal(own, observed)
    if not case.techniques:
        return
    log = read_log(tmp_path)
    drawn = {record.name for record in log.records.values()} - {"images"}
    assert drawn == set(case.techniques)
    for key, png in log.pictures.items():
        pixels = rgb(png)
        assert pixels.shape[:2] == (log.records[key].height, log.records[key].width)
        assert len(np.unique(pixels.reshape(-1, 3), axis=0)) > 1, key


@pytest.mark.parametrize("name", [n for n in KINDS if KINDS[n].make().techniques != TECHNIQUES])
def test_what_cannot_be_drawn_is_one_clear_error(name, tmp_path):
    case = make(name)
    for technique in set(TECHNIQUES) - set(case.techniques):
        with pytest.raises(ValueError, match=REFUSALS.get(name, REFUSALS["default"])):
            fit(case, [callback(technique, case, tmp_path / technique)])


@pytest.mark.parametrize("name", ["softmax", "transfer_learning", "subclassed", "rematerialized"])
def test_the_state_of_the_model_is_the_same_before_and_behind(name, tmp_path):
    case = make(name)
    fit(case)
    before = state_of(case.model)
    for technique in case.techniques:
        own = callback(technique, case, tmp_path / technique)
        own.set_model(case.model)
        own.on_train_begin()
        own.on_epoch_begin(0)
        own.on_epoch_end(0)
        own.on_train_end()
        assert_same_state(before, state_of(case.model))


@pytest.mark.parametrize("technique", TECHNIQUES)
@pytest.mark.parametrize("name", ["softmax", "transfer_learning", "subclassed", "rematerialized"])
def test_the_state_is_the_same_when_a_pass_fails_half_way(name, technique, tmp_path):
    case = make(name)
    fit(case)
    layer = next(
        found
        for found in reversed(case.model._flatten_layers())
        if isinstance(found, keras.layers.Conv2D)
    )

    def fail(*args, **kwargs):
        raise RuntimeError("half-way")

    object.__setattr__(layer, "call", fail)
    before = state_of(case.model)
    own = callback(technique, case, tmp_path)
    own.set_model(case.model)
    with pytest.raises((RuntimeError, ValueError), match="half-way"):
        own.on_train_begin()
    assert_same_state(before, state_of(case.model))


def test_a_quantized_model_gives_the_activations_it_computes():
    case = make("rectangle_of_tokens")
    before = activation_maps(case.model, case.x, **case.images)["encoded"]
    case.model.quantize("int8")
    assert case.model.get_layer("encoded").quantization_mode == "int8"
    maps = activation_maps(case.model, case.x, **case.images)["encoded"]
    own = keras.Model(case.model.input, case.model.get_layer("encoded").output)
    expected = own.predict(case.x, verbose=0).reshape(maps.shape)
    np.testing.assert_allclose(maps, expected, atol=1e-5)
    # Eight bits are not what the layer computed before.
    assert 1e-4 < np.abs(maps - before).max() < 0.1
