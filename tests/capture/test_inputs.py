import keras
import numpy as np
import pytest
from keras import layers

from keras_viz_callbacks.capture.inputs import guess_value_range, image_input
from keras_viz_callbacks.capture.survey import survey
from tests.helpers.models import compiled


@pytest.mark.parametrize(
    ("rescaling", "expected"),
    [
        (layers.Rescaling(1 / 255), (0, 255)),
        (layers.Rescaling(1 / 127.5, offset=-1), (0, 255)),
        (layers.Rescaling(2.0, offset=-1), (0, 1)),
        (layers.Dropout(0.1), (0, 1)),
    ],
)
def test_the_value_range_follows_the_models_own_rescaling(rescaling, expected):
    model = keras.Sequential([keras.Input((8, 8, 3)), rescaling, layers.Conv2D(2, 3)])
    found = survey(model, np.zeros((1, 8, 8, 3), np.float32))
    assert guess_value_range(found) == expected


def test_a_model_without_an_image_input_says_so():
    model = compiled(keras.Sequential([keras.Input((5,)), layers.Dense(2)]))
    with pytest.raises(ValueError, match="one input of shape"):
        image_input(model)
