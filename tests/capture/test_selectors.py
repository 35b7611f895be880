"""Selectors pick calls of layers, or say why they cannot."""

import keras
import numpy as np
import pytest
from keras import layers

from keras_viz_callbacks.capture.selectors import one_call, select
from keras_viz_callbacks.capture.survey import survey, surveyed_pass
from tests.helpers.models import nested_model, shared_model, small_model


def surveyed(model):
    return survey(model, np.zeros((1, 16, 16, 3), np.float32))


def paths(calls):
    return [call.path for call in calls]


def test_each_call_of_a_shared_layer_is_one_of_its_own():
    calls = surveyed(shared_model()).calls
    assert paths(select(calls, None)) == ["shared", "shared:1"]
    assert paths(select(calls, "shared")) == ["shared", "shared:1"]
    assert paths(select(calls, "shared:1")) == ["shared:1"]


def test_none_picks_every_convolution_and_nothing_else():
    inputs = keras.Input((16, 16, 3))
    x = layers.Conv2D(4, 3, name="plain")(inputs)
    x = layers.SeparableConv2D(4, 3, name="separable")(x)
    x = layers.DepthwiseConv2D(3, name="depthwise")(x)
    x = layers.MaxPooling2D()(x)
    x = layers.Conv2DTranspose(4, 3, name="transposed")(x)
    model = keras.Model(inputs, layers.Dense(2)(layers.Flatten()(x)))
    picked = paths(select(surveyed(model).calls, None))
    assert picked == ["plain", "separable", "depthwise", "transposed"]


@pytest.mark.parametrize(
    ("selector", "expected"),
    [
        ("outer/inner/conv_a", ["outer/inner/conv_a"]),
        ("conv_a", ["outer/inner/conv_a"]),
        ("conv_*", ["outer/inner/conv_a", "outer/inner/conv_b"]),
        ("outer/*b", ["outer/inner/conv_b"]),
        ("outer", ["outer"]),
        (["conv_b", "conv_a"], ["outer/inner/conv_a", "outer/inner/conv_b"]),
    ],
)
def test_a_selector_is_a_path_a_name_a_glob_or_a_list(selector, expected):
    assert paths(select(surveyed(nested_model()).calls, selector)) == expected


def test_a_selector_is_a_layer_object():
    model = small_model()
    assert paths(select(surveyed(model).calls, model.get_layer("pool"))) == ["pool"]


def test_a_glob_passes_over_layers_without_maps():
    assert paths(select(surveyed(small_model()).calls, "*")) == ["conv_a", "pool", "norm", "conv_b"]


def test_an_unknown_layer_is_told_with_the_nearest():
    with pytest.raises(ValueError, match=r"No layer .* nearest are: 'conv_a'.*layers='conv_aa'"):
        select(surveyed(small_model()).calls, "conv_aa")


def test_an_ambiguous_name_is_told_with_the_paths():
    inner = [
        keras.Sequential([layers.Conv2D(2, 1, name="conv")], name=name) for name in ("one", "two")
    ]
    model = keras.Sequential([keras.Input((16, 16, 3)), *inner])
    calls = surveyed(model).calls
    with pytest.raises(ValueError, match=r"belongs to 2 layers.*'one/conv', 'two/conv'"):
        select(calls, "conv")
    assert paths(select(calls, "two/conv")) == ["two/conv"]


@pytest.mark.parametrize(
    ("selector", "message"),
    [
        ("classes", r"'classes' given in `layers` has no spatial maps.*\(batch, 3\)"),
        ("class*", "matches only layers that cannot be drawn"),
        ("zzz*", "matches no layer"),
        ([], "must name at least one layer"),
        (7, r"must be a layer path.*Received: layers=7 \(of type int\)"),
    ],
)
def test_what_can_not_be_picked_says_why(selector, message):
    with pytest.raises(ValueError, match=message):
        select(surveyed(small_model()).calls, selector)


def test_a_layer_of_another_model_is_refused():
    with pytest.raises(ValueError, match="'conv_a' given in `layers` is not called by this model"):
        select(surveyed(small_model()).calls, small_model().get_layer("conv_a"))


def test_a_model_without_convolutions_says_so():
    model = keras.Sequential([keras.Input((16, 16, 3)), layers.Flatten(), layers.Dense(2)])
    with pytest.raises(ValueError, match="picks every convolution, and the model has none"):
        select(surveyed(model).calls, None)


def test_one_call_of_one_layer_is_picked_or_refused():
    calls = surveyed(shared_model()).calls
    assert one_call(select(calls, "shared:1"), "shared:1").path == "shared:1"
    with pytest.raises(ValueError, match="`layer` must pick one call") as raised:
        one_call(select(calls, "shared"), "shared")
    assert str(raised.value) == (
        "`layer` must pick one call of one layer. Received: layer='shared', which picks "
        "'shared', 'shared:1'"
    )


def passed(model):
    """The survey of a pass that is not traced: TensorFlow refuses such names in its graphs."""
    return surveyed_pass(model, keras.ops.zeros((1, 16, 16, 3))).survey


class Own(layers.Layer):
    """A convolution by an operation of `keras.ops`, with a kernel of its own."""

    def __init__(self, operation="conv", **arguments):
        super().__init__(**arguments)
        self.operation = operation

    def build(self, shape):
        channels = shape[-1]
        self.kernel = self.add_weight(shape=(3, 3, channels, channels), name="kernel")
        self.single = self.add_weight(shape=(3, 3, channels, 1), name="single")
        self.pointwise = self.add_weight(shape=(1, 1, channels, 4), name="pointwise")

    def call(self, x):
        if self.operation == "depthwise_conv":
            return keras.ops.depthwise_conv(x, self.single)
        if self.operation == "separable_conv":
            return keras.ops.separable_conv(x, self.single, self.pointwise)
        return keras.ops.relu(getattr(keras.ops, self.operation)(x, self.kernel))


class OwnSubclass(layers.Conv2D):
    """Standardises its kernel, and so convolves by itself."""

    def call(self, x):
        return keras.ops.conv(x, self.kernel - keras.ops.mean(self.kernel))


class Residual(layers.Layer):
    """Layers of its own around convolutions, which it does not make itself."""

    def __init__(self, **arguments):
        super().__init__(**arguments)
        self.first, self.second = Own(name="first"), layers.Conv2D(3, 1, name="second")

    def build(self, shape):
        self.first.build(shape)
        self.second.build(shape)

    def call(self, x):
        return self.second(self.first(x))


class Gated(layers.Layer):
    """Convolves itself, beside a layer that does not."""

    def __init__(self, **arguments):
        super().__init__(**arguments)
        self.gate = layers.Dense(3, activation="sigmoid", name="gate")

    def build(self, shape):
        self.gate.build(shape)
        self.kernel = self.add_weight(shape=(1, 1, shape[-1], 3), name="kernel")

    def call(self, x):
        return keras.ops.conv(x, self.kernel) * self.gate(x)


class Patches(layers.Layer):
    """Cuts an image into patches, which Keras does by a convolution."""

    def call(self, x):
        return keras.ops.image.extract_patches(x, 2)


def picked_by_default(*stack, shape=(16, 16, 3)):
    model = keras.Sequential([keras.Input(shape), *stack])
    found = survey(model, np.zeros((1, *shape), np.float32))
    return paths(select(found.calls, None))


@pytest.mark.parametrize(
    "operation", ["conv", "conv_transpose", "depthwise_conv", "separable_conv"]
)
def test_a_layer_whose_call_convolves_is_a_convolution(operation):
    stack = [layers.Conv2D(3, 3, name="stem"), Own(operation, name="own"), layers.ReLU()]
    assert picked_by_default(*stack) == ["stem", "own"]


@pytest.mark.parametrize(
    ("layer", "expected"),
    [
        (lambda: OwnSubclass(4, 3, name="own"), ["own"]),
        (lambda: Residual(name="own"), ["own/first", "own/second"]),
        (lambda: Gated(name="own"), ["own"]),
        (lambda: keras.Sequential([Own(name="inside")], name="own"), ["own/inside"]),
        (
            lambda: layers.Lambda(lambda x: keras.ops.conv(x, np.ones((3, 3, 3, 2), "float32"))),
            ["lambda"],
        ),
        (lambda: Patches(name="patches"), []),
        (lambda: layers.Dense(3), []),
    ],
    ids=["subclass", "parent", "gated", "nested", "lambda", "patches", "dense"],
)
def test_the_innermost_layer_whose_call_convolves_is_picked(layer, expected):
    keras.backend.clear_session()
    stack = [layers.Conv2D(3, 3, name="stem"), layer()]
    assert picked_by_default(*stack) == ["stem", *expected]


def test_each_call_of_a_layer_of_the_users_own_is_picked():
    shared = Own(name="shared")
    inputs = keras.Input((16, 16, 3))
    model = keras.Model(inputs, shared(shared(inputs)))
    assert paths(select(surveyed(model).calls, None)) == ["shared", "shared:1"]


def test_layers_that_run_once_a_time_step_are_picked_as_before():
    video = (4, 8, 8, 3)
    frames = layers.TimeDistributed(Own(), name="frames")
    recurrent = layers.ConvLSTM2D(2, 3, return_sequences=True)
    assert picked_by_default(frames, recurrent, shape=video) == ["frames"]
    block = layers.TimeDistributed(Residual(), name="blocks")
    keras_block = layers.TimeDistributed(layers.Conv2D(3, 1), name="last")
    assert picked_by_default(block, keras_block, shape=video) == ["last"]


def test_an_own_convolution_in_a_checkpoint_is_a_convolution():
    with keras.RematScope(mode="full"):
        own = Own(name="own")
    assert picked_by_default(own) == ["own"]


def named_stack(*names):
    """Convolutions in a row, of these names."""
    stack = [layers.Conv2D(2, 1, name=name) for name in names]
    return keras.Sequential([keras.Input((16, 16, 3)), *stack])


@pytest.mark.parametrize(
    ("names", "selector", "expected"),
    [
        (["conv[3x3]"], "conv[3x3]", ["conv[3x3]"]),
        (["conv1", "conv[1]"], "conv[1]", ["conv[1]"]),
        (["conv1", "conv*"], "conv*", ["conv*"]),
        (["why", "why?"], "why?", ["why?"]),
        (["conv1", "conv2", "pool[1]"], "conv[12]", ["conv1", "conv2"]),
        (["conv[1]a", "conv[1]b", "conv[2]a"], "conv[1]*", ["conv[1]a", "conv[1]b"]),
        (["conv1a", "conv[1]b"], "conv[1]*", ["conv1a"]),
    ],
)
def test_an_exact_name_wins_over_a_glob(names, selector, expected):
    assert paths(select(passed(named_stack(*names)).calls, selector)) == expected


def test_an_exact_path_with_brackets_wins_over_a_glob():
    stages = [
        keras.Sequential([layers.Conv2D(2, 1, name="conv")], name=name)
        for name in ("stage1", "stage[1]")
    ]
    calls = passed(keras.Sequential([keras.Input((16, 16, 3)), *stages])).calls
    assert paths(select(calls, "stage[1]/conv")) == ["stage[1]/conv"]


def calls_twice(name, *others, prefix=None):
    """A convolution that is called twice, and others after it."""
    shared = layers.Conv2D(3, 1, name=name)
    inputs = keras.Input((16, 16, 3))
    x = shared(shared(inputs))
    if prefix is not None:
        x = keras.Model(inputs, x, name=prefix)(inputs)
    for other in others:
        x = layers.Conv2D(3, 1, name=other)(x)
    return keras.Model(inputs, x)


def test_a_layer_wins_over_a_call_of_another_layer():
    calls = passed(calls_twice("conv", "conv:1")).calls
    assert paths(calls) == ["conv", "conv:1_1", "conv:1"]
    assert [c.layer.name for c in select(calls, "conv:1")] == ["conv:1"]
    assert paths(select(calls, "conv")) == ["conv", "conv:1_1"]
    assert paths(select(calls, "conv:1_1")) == ["conv:1_1"]


def test_the_name_of_a_layer_wins_over_a_call_in_a_nested_model():
    inner = keras.Sequential([layers.Conv2D(3, 1, name="conv:1")], name="other")
    twice = calls_twice("conv", prefix="inner")
    model = keras.Model(twice.input, inner(twice.output))
    calls = passed(model).calls
    assert paths(select(calls, "conv:1")) == ["other/conv:1"]
    assert paths(select(calls, "inner/conv:1")) == ["inner/conv:1"]


def test_the_path_of_a_layer_with_a_colon_means_each_of_its_calls():
    calls = passed(calls_twice("conv:1")).calls
    assert paths(select(calls, "conv:1")) == ["conv:1", "conv:1:1"]
    assert paths(select(calls, "conv:1:1")) == ["conv:1:1"]


def test_a_call_that_two_layers_have_is_told_with_the_paths():
    inputs = keras.Input((16, 16, 3))
    x = inputs
    for name in ("one", "two"):
        x = calls_twice("conv", prefix=name)(x)
    calls = passed(keras.Model(inputs, x)).calls
    with pytest.raises(ValueError, match="belongs to") as raised:
        select(calls, "conv:1")
    shown = [path for path in paths(calls) if path.endswith("conv:1")]
    assert str(raised.value) == (
        "The name given in `layers` belongs to 2 layers; write the path of the one you mean: "
        f"{', '.join(map(repr, shown))}. Received: layers='conv:1'"
    )
