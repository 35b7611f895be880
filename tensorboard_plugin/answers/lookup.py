"""From the parameters of a request to the run, series and picture that it is about."""

from __future__ import annotations

from collections.abc import Sized
from dataclasses import dataclass

from tensorboard_plugin.answers import exports, http
from tensorboard_plugin.answers.http import ApiError, Query
from tensorboard_plugin.index.log_index import LogIndex
from tensorboard_plugin.index.picture_series import PictureLocation, PictureSeries
from tensorboard_plugin.index.run_index import RunIndex

SEE_RUNS = "`runs` lists the runs."
SEE_RUN = "`run` lists the tags and their steps."


@dataclass(frozen=True)
class Chosen:
    """The picture that a request is about."""

    run: RunIndex
    series: PictureSeries
    step: int
    location: PictureLocation
    stamp: str
    is_current: bool

    @property
    def cache(self) -> str:
        """How long the answer may be kept: for ever where the request has the current stamp."""
        return http.FOREVER if self.is_current else http.REVALIDATE

    def stem(self, *more: str) -> str:
        """File name of a download, without its extension."""
        return f"{stem_of(self.run, self.series, *more)}-step{self.step}"


class Lookup:
    """What all routes share: finding what they are about.

    Args:
        index: What has been written where.
    """

    def __init__(self, index: LogIndex) -> None:
        self.index = index

    def find_run(self, query: Query) -> RunIndex:
        """The run of the parameter ``run``."""
        name = query.text("run", SEE_RUNS)
        run = self.index.runs.get(name)
        if run is None:  # a link that is opened before anybody asked for `runs`
            self.index.refresh(name)
            run = self.index.runs.get(name)
        if run is None:
            raise ApiError(
                404, "unknown_run", f"There is no run `{shortened(name)}`. {SEE_RUNS}", "run"
            )
        return run

    def find_series(self, run: RunIndex, tag: str) -> PictureSeries:
        """The series of that tag."""
        s = run.series.get(tag)
        if s is None:
            self.index.refresh(run.name)
            s = run.series.get(tag)
        if s is None:
            raise ApiError(
                404, "unknown_tag", f"The run has no pictures `{shortened(tag)}`. {SEE_RUN}", "tag"
            )
        return s

    def find_picture(self, query: Query) -> Chosen:
        """The picture of the parameters ``run``, ``tag``, ``step`` and ``v``."""
        run = self.find_run(query)
        tag = query.text("tag", SEE_RUN)
        step, v = query.step("step"), query.optional("v")
        if step is None:
            query.text("step", SEE_RUN)
        assert step is not None
        s = self.find_series(run, tag)
        if s.find(step) is None:
            self.index.refresh(run.name)
        with self.index.lock:
            i = s.find(step)
            if i is None or run.series.get(tag) is not s:
                raise ApiError(
                    404,
                    "unknown_step",
                    f"There is no picture of step {step}. {SEE_RUN}",
                    "step",
                )
            stamp = run.stamp(step)
            return Chosen(run, s, step, run.location(s, i), stamp, v == stamp)


def require(found: Sized, parameter: str, value: str) -> None:
    """Raises the error of a parameter whose value the run does not have.

    Args:
        found: What the run has of that value.
        parameter: Name of the parameter.
        value: Its value.

    Raises:
        ApiError: Nothing is found.
    """
    if len(found) == 0:
        raise ApiError(
            404,
            f"unknown_{parameter}",
            f"The run has no {parameter} `{shortened(value)}`. `run` lists what it has.",
            parameter,
        )


def required_item(query: Query) -> int:
    """The parameter ``item``: a channel or filter."""
    item = query.integer("item", 0, 1 << 31)
    if item is None:
        query.text("item", "`record.grid.items` lists them.")
    assert item is not None
    return item


def stem_of(run: RunIndex, s: PictureSeries, *more: str) -> str:
    """File name of what a series is exported to, without its extension."""
    static = s.static
    return exports.stem(run_stem(run), static.name, s.layer_path, static.image_name, *more)


def run_stem(run: RunIndex) -> str:
    """Part of a file name: the user's run, and which training in it if it is not the first."""
    parts = [] if run.label == "." else [run.label]
    parts += [f"training{run.training}"] if run.training > 1 else []
    return "_".join(parts)


def shortened(text: str) -> str:
    """A text of the user's, for a message."""
    return text if len(text) <= 100 else text[:100] + "…"
