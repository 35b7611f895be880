"""What is written of a picture and of numbers."""

from keras_viz_callbacks.summary.event_file import EventFile
from keras_viz_callbacks.summary.results import Drawing, Measured
from tensorboard_plugin import schema
from tests.helpers.event_logs import Log

RECORD = schema.Record("t", "t/a", 4, 3, kind="evidence", title="Title")
LAYER = schema.Layer("conv", "Conv2D", 0, (4, 4, 8))


def written(tmp_path, *results):
    file = EventFile(str(tmp_path / schema.RUN_NAME))
    for result in results:
        file.write(7, result.values())
    file.close()
    return Log(tmp_path)


def test_a_picture_has_its_record_and_its_heat_map(tmp_path):
    drawings = Drawing(RECORD, b"png", b"heat"), Drawing(RECORD, b"png")
    assert [drawing.size for drawing in drawings] == [7, 3]
    log = written(tmp_path, drawings[0])
    assert log.records == {("keras_viz", "t/a", 7): RECORD}
    assert log.pictures == {("keras_viz", "t/a", 7): b"png"}
    assert log.heat_maps == {("keras_viz", "t/a", 7): b"heat"}
    assert log.contents == [7]


def test_numbers_need_no_picture(tmp_path):
    table = schema.MeasureTable(
        "t", 3, 40, (LAYER,), {"dead_channels": (0.25,), "cka": (None,)}, {"loss": 0.5}
    )
    measured = Measured(table, [("dead_channels/t/conv", 0.25)])
    assert measured.size == 0
    log = written(tmp_path, measured)
    assert log.tables == {("keras_viz", "t", 7): [table]}
    assert log.layer_measure("t", "dead_channels", 7) == {"conv": 0.25}
    assert log.scalars == {("keras_viz", "dead_channels/t/conv", 7): 0.25}
    assert (log.pictures, log.records, log.contents) == ({}, {}, [])
