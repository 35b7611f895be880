"""Pictures and records of filter patterns."""

from keras_viz_callbacks import FilterPatterns
from tests.helpers.models import small_model


def test_filter_patterns_pick_a_few_layers_and_say_what_is_left_out(
    tmp_path, images, labels, read_log, caplog
):
    model = small_model()
    own = FilterPatterns(tmp_path, max_layers=1, filters=2, steps=1)
    with caplog.at_level("INFO"):
        model.fit(images, labels, verbose=0, callbacks=[own])
    log = read_log(tmp_path)
    assert log.tags() == {"filters/conv_a"}
    assert log.records["keras_viz", "filters/conv_a", 0].note == (
        "the first 2 of 4 filters (filters); 1 other convolutions are left out (max_layers)"
    )
    assert "1 other convolutions are left out" in caplog.text
    assert "2 of the 4 filters of conv_a" in caplog.text


def test_layers_of_filters_take_turns(tmp_path, images, labels, read_log):
    model = small_model()
    callback = FilterPatterns(tmp_path, filters=2, steps=1, layers_per_capture=1)
    model.fit(images, labels, epochs=4, verbose=0, callbacks=[callback])
    log = read_log(tmp_path)
    assert log.steps("filters/conv_a") == [0, 2]
    assert log.steps("filters/conv_b") == [1, 3]


def test_records_say_that_they_are_patterns_of_filters(tmp_path, images, labels, read_log):
    model = small_model()
    conv = model.get_layer("conv_a")
    kernel, bias = conv.get_weights()
    kernel[..., 1], bias[1] = 0, 0
    conv.set_weights([kernel, bias])
    conv.trainable = False
    model.compile("sgd", "sparse_categorical_crossentropy")
    own = FilterPatterns(tmp_path, layers="conv_a", filters=[0, 1], steps=2, name="mine")
    model.fit(images, labels, verbose=0, callbacks=[own])
    log = read_log(tmp_path)
    record = log.records["keras_viz", "mine/conv_a", 0]
    assert (record.name, record.kind, record.title, record.item) == (
        "mine",
        "patterns",
        "Filter patterns",
        "filter",
    )
    assert record.grid.items == (0, 1)
    assert record.measures == {"blank_channels": 0.5}
    start, end = record.statistics.start, record.statistics.maximum
    assert end[0] > start[0]
    assert end[1] == start[1] == 0
    assert log.scalars == {}
