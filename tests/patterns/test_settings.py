import re

import pytest

from keras_viz_callbacks.options import declared
from keras_viz_callbacks.patterns.settings import AscentOptions, AscentSettings


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"steps": 0}, "`steps` must be at least 1. Received: steps=0"),
        (
            {"learning_rate": 0},
            "`learning_rate` must be above 0. Received: learning_rate=0",
        ),
        (
            {"size": 0},
            "`size` must be a number of pixels, a pair (height, width), or None. Received: size=0",
        ),
        (
            {"size": (1, 2, 3)},
            "`size` must be a number of pixels, a pair (height, width), or None. "
            "Received: size=(1, 2, 3)",
        ),
        (
            {"value_range": (1, 1)},
            "`value_range` must be (lowest, highest) of the model's input. "
            "Received: value_range=(1, 1)",
        ),
    ],
)
def test_wrong_settings_say_so(settings, message):
    with pytest.raises(ValueError, match=f"^{re.escape(message)}$"):
        AscentSettings(**settings)


def test_every_option_is_a_setting_with_the_same_default():
    settings = AscentSettings()
    for name, each in declared(AscentOptions).items():
        assert getattr(settings, name) == each.option.default, name
