"""What a pass is over: resolved purely from a survey of the model and what the user asked for."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TypeAlias

from keras_viz_callbacks.capture.layers import LayerCall
from keras_viz_callbacks.capture.logits import Output
from keras_viz_callbacks.capture.selectors import Selector, select
from keras_viz_callbacks.capture.survey import Survey
from keras_viz_callbacks.capture.target import (
    ResolvedTarget,
    Target,
    class_output,
    report_chosen_output,
    resolve_target,
)


@dataclass(frozen=True)
class Plan:
    """What a pass is over.

    Attributes:
        survey: Survey of the model.
        calls: The chosen layers, in network order.
        target: The score that is computed; None for a pass without one.
    """

    survey: Survey
    calls: Sequence[LayerCall] = ()
    target: ResolvedTarget | None = None

    @property
    def score(self) -> ResolvedTarget:
        """The score, in a plan for one."""
        assert self.target is not None  # see `plan_class_maps` and `plan_score`
        return self.target

    @property
    def class_output(self) -> Output | None:
        """The output whose classes the labels are; None where none tells classes."""
        if self.target is not None:
            return self.target.output
        place = class_output(self.survey)
        return None if place is None else self.survey.outputs[place]


Planner: TypeAlias = Callable[[Survey], Plan]
"""Makes the plan from a survey. Pure: it may be called more than once, inside a trace."""


def plan_activations(layers: Selector) -> Planner:
    """Plans a pass over the chosen layers.

    Args:
        layers: See `Selector`; None means every convolution.
    """
    return lambda survey: Plan(survey, select(survey.calls, layers))


def plan_class_maps(layers: Selector, target: Target, number: int) -> Planner:
    """Plans a pass for a score and the layers that it is explained at.

    Args:
        layers: See `Selector`; None means the last convolution.
        target: The score to explain.
        number: Number of images.
    """

    def plan(survey: Survey) -> Plan:
        resolved = resolve_target(target, survey, number)
        return Plan(survey, select_for_class_maps(survey, layers), resolved)

    return plan


def plan_score(target: Target, number: int) -> Planner:
    """Plans a pass for a score alone.

    Args:
        target: The score.
        number: Number of images.
    """
    return lambda survey: Plan(survey, (), resolve_target(target, survey, number))


def select_for_class_maps(survey: Survey, layers: Selector) -> list[LayerCall]:
    """The chosen layers; None picks the last convolution, as the paper does.

    A convolution whose maps are of one pixel, as those that classify in MobileNet, does not tell
    one place from another and is passed over.
    """
    picked = select(survey.calls, layers)
    if layers is not None:
        return picked
    return ([call for call in picked if not call.is_one_pixel] or picked)[-1:]


def report_choice(plan: Plan) -> None:
    """Logs what was chosen for the user. Not done while planning, which may happen twice."""
    report_chosen_output(plan.score, plan.survey)
