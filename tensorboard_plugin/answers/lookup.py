"""From the parameters of a request to the run, series and picture that it is about."""

from __future__ import annotations

from dataclasses import dataclass

from tensorboard_plugin.answers import exports, http
from tensorboard_plugin.answers.http import ApiError, Query
from tensorboard_plugin.index.log_index import Index
from tensorboard_plugin.index.run_index import Entry, Run, Series

SEE_RUNS = "`runs` lists the runs."
SEE_RUN = "`run` lists the tags and their steps."


@dataclass(frozen=True)
class Chosen:
    """The picture that a request is about."""

    run: Run
    series: Series
    step: int
    entry: Entry
    stamp: str
    is_current: bool

    @property
    def cache(self) -> str:
        """For ever where the address says which writing of the step is meant."""
        return http.FOREVER if self.is_current else http.REVALIDATE

    def stem(self, *more: str) -> str:
        """File name of a download, without its extension."""
        return f"{stem_of(self.run, self.series, *more)}-step{self.step}"


class Lookup:
    """What all routes share: finding what they are about.

    Args:
        index: What has been written where.
    """

    def __init__(self, index: Index) -> None:
        self.index = index

    def find_run(self, query: Query) -> Run:
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

    def find_series(self, run: Run, tag: str) -> Series:
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
            return Chosen(run, s, step, run.entry(s, i), stamp, v == stamp)


def required_item(query: Query) -> int:
    """The parameter ``item``: a channel or filter."""
    item = query.integer("item", 0, 1 << 31)
    if item is None:
        query.text("item", "`record.grid.items` lists them.")
    assert item is not None
    return item


def stem_of(run: Run, s: Series, *more: str) -> str:
    """File name of what a series is exported to, without its extension."""
    layer = None if s.facts.layer is None else s.facts.layer["path"]
    return exports.stem(run_stem(run), s.facts.name, layer, s.facts.image_name, *more)


def run_stem(run: Run) -> str:
    """Part of a file name: the user's run, and which training in it if it is not the first."""
    parts = [] if run.label == "." else [run.label]
    parts += [f"training{run.training}"] if run.training > 1 else []
    return "_".join(parts)


def shortened(text: str) -> str:
    """A text of the user's, for a message."""
    return text if len(text) <= 100 else text[:100] + "…"
