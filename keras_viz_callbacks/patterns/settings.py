"""The options of a gradient ascent, with their defaults.

One more is a line of `AscentOptions`, which callbacks and functions take, and a field of
`AscentSettings`.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated, TypedDict

from keras_viz_callbacks.options import Option
from keras_viz_callbacks.patterns.parametrisations import PARAMETRISATIONS
from keras_viz_callbacks.patterns.transforms import Transform, margin

STEPS = 20
LEARNING_RATE = 0.12
PARAMETRISATION = "pixels"

SIZE = 64
"""Pixels of the longer side of a picture, unless the model's input is smaller."""


class AscentOptions(TypedDict, total=False):
    """Options of everything that makes filter patterns."""

    steps: Annotated[int, Option(STEPS, "Steps of the ascent.")]
    learning_rate: Annotated[
        float,
        Option(
            LEARNING_RATE,
            "Length of a step; for pixels the change of a typical one, as a share of the value "
            "range.",
        ),
    ]
    size: Annotated[
        int | tuple[int, int] | None,
        Option(
            None,
            "Pixels of a pattern, a number or ``(height, width)``; by default those of the model's "
            f"input, but no more than {SIZE} on the longer side.",
        ),
    ]
    seed: Annotated[
        int,
        Option(0, "Seed of the noise at the start; the same seed gives the same picture."),
    ]
    value_range: Annotated[
        tuple[float, float] | None,
        Option(
            None,
            "Lowest and highest value of the model's input; by default ``(0, 255)`` where the "
            "model itself rescales such inputs, else ``(0, 1)``.",
        ),
    ]
    parametrisation: Annotated[
        str,
        Option(
            PARAMETRISATION,
            "What the ascent changes to make an image, one of "
            "`keras_viz_callbacks.patterns.parametrisations.PARAMETRISATIONS`.",
        ),
    ]


@dataclass(frozen=True)
class AscentSettings:
    """How patterns are made: the values of `AscentOptions`, checked, and the transforms.

    Attributes:
        steps: Steps of the ascent.
        learning_rate: Length of a step: the root mean square of the change of the parameters.
        size: Pixels of a picture, a number or ``(height, width)``; None for those of the model's
            input, but no more than `SIZE` on the longer side.
        seed: Seed of the start and of the transforms.
        value_range: Lowest and highest value of the model's input; None for a guess.
        parametrisation: What the ascent changes, one of `PARAMETRISATIONS`.
        transforms: What happens to an image before the model takes it, in this order.

    Raises:
        ValueError: A setting is wrong by itself.
    """

    steps: int = STEPS
    learning_rate: float = LEARNING_RATE
    size: int | tuple[int, int] | None = None
    seed: int = 0
    value_range: tuple[float, float] | None = None
    parametrisation: str = PARAMETRISATION
    transforms: Sequence[Transform] = (margin(),)

    def __post_init__(self) -> None:
        if self.steps < 1:
            raise ValueError(f"`steps` must be at least 1. Received: steps={self.steps!r}")
        if not self.learning_rate > 0:
            raise ValueError(
                f"`learning_rate` must be above 0. Received: learning_rate={self.learning_rate!r}"
            )
        sides = (self.size,) if isinstance(self.size, int) else self.size
        if sides is not None and (len(sides) not in (1, 2) or min(sides) < 1):
            raise ValueError(
                "`size` must be a number of pixels, a pair (height, width), or None. "
                f"Received: size={self.size!r}"
            )
        if self.value_range is not None:
            low, high = self.value_range
            if not low < high:
                raise ValueError(
                    "`value_range` must be (lowest, highest) of the model's input. "
                    f"Received: value_range={self.value_range!r}"
                )
        PARAMETRISATIONS.find(self.parametrisation)
