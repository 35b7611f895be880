"""The measurements of a capture as a table and as scalars."""

from keras_viz_callbacks.callbacks.measures import Measurement, collected
from keras_viz_callbacks.callbacks.records import Moment
from tensorboard_plugin import schema

FIRST = schema.Layer("block/a", "Conv2D", 0, (8, 8, 4))
SECOND = schema.Layer("b", "Conv2D", 3, (4, 4, 4))
MOMENT = Moment(step=7, epoch=2, batch=30, metrics={"loss": 0.5})


def test_a_table_has_a_number_of_each_measure_for_each_layer_in_network_order():
    measured = collected(
        "grid",
        None,
        MOMENT,
        [
            Measurement("dead", SECOND, 0.25),
            Measurement("dead", FIRST, 0.0),
            Measurement("rank", SECOND, None),
        ],
    )
    assert measured.table == schema.MeasureTable(
        name="grid",
        epoch=2,
        batch=30,
        layers=(FIRST, SECOND),
        measures={"dead": (0.0, 0.25), "rank": (None, None)},
        metrics={"loss": 0.5},
    )
    assert measured.scalars == [("dead/b", 0.25), ("dead/block/a", 0.0)]


def test_scalars_have_the_name_that_the_user_chose():
    measured = collected("mine", "mine", MOMENT, [Measurement("dead", FIRST, 0.5)])
    assert measured.scalars == [("dead/mine/block/a", 0.5)]
    assert measured.table.name == "mine"
