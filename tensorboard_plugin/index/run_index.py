"""One run's index: a few numbers for each picture, in arrays."""

from __future__ import annotations

import hashlib
import typing
from array import array
from bisect import bisect_left

from tensorboard_plugin import schema
from tensorboard_plugin.capture_table import BLANK, HAS_HEAT_MAP
from tensorboard_plugin.checked_json import UNKNOWN, number
from tensorboard_plugin.index.picture_columns import COLUMNS, FLAGS, Values, listed, values_of
from tensorboard_plugin.index.record_fields import HAS_RECORD, Facts, read_facts
from tensorboard_plugin.log.event_reader import (
    CaptureEvent,
    Event,
    EventReader,
    PictureEvent,
    Problem,
    RecordEvent,
    TableEvent,
)
from tensorboard_plugin.log.log_source import Storage

_KEPT_PROBLEMS = 100
_NAMES = {
    schema.NAME_ACTIVATIONS: 0,
    schema.NAME_FILTERS: 1,
    "grad_cam": 2,
    schema.NAME_IMAGES: 4,
}


class Entry(typing.NamedTuple):
    """Where one picture lies; a copy, to be used without the index's lock."""

    reader: EventReader
    tag: str
    step: int
    wall_time: float
    offset: int
    length: int
    record_offset: int
    record_length: int
    has_record: bool
    has_heat_map: bool


class Series:
    """One tag's pictures, ascending by step."""

    def __init__(self, tag: str, facts: Facts) -> None:
        self.tag = tag
        self.facts = facts
        self.has_heat_map = False
        self.columns: dict[str, array[typing.Any]] = {
            name: array(code) for name, code in COLUMNS.items()
        }
        self.step: array[int] = self.columns["step"]
        self.change: array[float] = self.columns["change"]
        self._files: array[int] = self.columns["file"]
        self._appends = [column.append for column in self.columns.values()]

    def find(self, step: int) -> int | None:
        """Place of that step."""
        i = bisect_left(self.step, step)
        return i if i < len(self.step) and self.step[i] == step else None

    def between(self, first: int | None, last: int | None) -> slice:
        """Places of the steps from ``first`` to ``last``, both included."""
        return between(self.step, first, last)

    def is_blank(self, i: int) -> bool:
        """Whether it is a class map without any evidence."""
        return bool(self.columns["flags"][i] & BLANK)

    def file_of(self, step: int) -> int:
        """The file that the picture of that step is in, or -1."""
        if not self.step or step > self.step[-1]:
            return -1
        i = self.find(step)
        return -1 if i is None else self._files[i]

    def put(self, values: Values) -> bool:
        """Enters one picture; what stood at its step is replaced.

        Args:
            values: A number for each column.

        Returns:
            Whether something was replaced.
        """
        step = values[0]
        if not self.step or step > self.step[-1]:
            for append, value in zip(self._appends, values, strict=True):
                append(value)
            return False
        columns = zip(self.columns.values(), values, strict=True)
        i = bisect_left(self.step, step)
        replaced: bool = self.step[i] == step
        for column, value in columns:
            if replaced:
                column[i] = value
            else:
                column.insert(i, value)
        if i + 1 < len(self.step):
            self.change[i + 1] = UNKNOWN
        return replaced


class Step:
    """What is known of one step of a run."""

    __slots__ = ("batch", "epoch", "files", "metrics", "rewrites", "wall_time")

    def __init__(self, facts: Facts | None, wall_time: float) -> None:
        self.epoch = 0 if facts is None else facts.epoch
        self.batch = 0 if facts is None else facts.batch
        self.wall_time = wall_time
        self.files: tuple[int, ...] = ()
        self.rewrites = 0
        self.metrics: tuple[float, ...] = ()


class Run:
    """What one of our run directories holds. Not thread-safe: `Index` has the lock."""

    def __init__(
        self, name: str, label: str, training: int, storage: Storage, directory: str
    ) -> None:
        self.name = name
        self.label = label
        self.training = training
        self.storage = storage
        self.directory = directory
        self.doubted: set[str] = set()
        """Names of files whose contents have been found to be wrong."""
        self.readers: list[EventReader] = []
        self.clear()

    def is_at(self, storage: Storage, directory: str) -> bool:
        """Whether that is where it lies."""
        return self.storage is storage and self.directory == directory

    def clear(self) -> None:
        """Forgets everything, to be read again."""
        self.doubted |= {reader.name for reader in self.readers if reader.is_doubted}
        self.readers = []
        self.series: dict[str, Series] = {}
        self.steps: dict[int, Step] = {}
        self.metric_names: dict[str, int] = {}
        self._latest_metrics: tuple[Step | None, dict[str, typing.Any]] = None, {}
        self.classes: dict[int, str] = {}
        self.layer_measures: dict[tuple[str, str, str], dict[int, float]] = {}
        """Number by step, of a callback's name, a measure and a layer's path."""
        self.problem_count = 0
        self.problems: list[tuple[str, Problem]] = []
        self.pictures = 0
        self.last_wall_time: float | None = None
        self.unreadable: dict[str, str] = {}
        self._sorted_steps: list[int] | None = None

    @property
    def sorted_steps(self) -> list[int]:
        """Every step, ascending."""
        if self._sorted_steps is None:
            self._sorted_steps = sorted(self.steps)
        return self._sorted_steps

    @property
    def progress(self) -> tuple[int, int]:
        """Bytes read, bytes that can be read."""
        parts = [r.progress for r in self.readers if r.name not in self.unreadable]
        return sum(p[0] for p in parts), sum(p[1] for p in parts)

    @property
    def techniques(self) -> list[str]:
        """In the order of the tab."""
        return sorted({s.facts.name for s in self.series.values()}, key=technique_order)

    def stamp(self, step: int) -> str:
        """Changes when a picture of that step is written again, not when one more comes."""
        info = self.steps[step]
        keys = sorted(self.readers[i].key for i in info.files)
        text = " ".join([*keys, str(info.rewrites)])
        return hashlib.blake2s(text.encode(), digest_size=5).hexdigest()

    def entry(self, series: Series, i: int) -> Entry:
        """Where that picture lies."""
        c = series.columns
        flags = c["flags"][i]
        return Entry(
            self.readers[c["file"][i]],
            series.tag,
            c["step"][i],
            c["wall_time"][i],
            c["offset"][i],
            c["length"][i],
            c["record_offset"][i],
            c["record_length"][i],
            bool(flags & HAS_RECORD),
            bool(flags & HAS_HEAT_MAP),
        )

    def all_problems(self) -> tuple[int, list[tuple[str, Problem]]]:
        """How many things were left out, and the first of them."""
        found = list(self.problems)
        found += [(n, Problem(0, "unreadable", m)) for n, m in self.unreadable.items()]
        cut = [
            (r.name, Problem(r.position, "truncated", "The file ends in the middle of a record."))
            for r in self.readers[:-1]
            if r.truncated
        ]
        count = self.problem_count + len(self.unreadable) + len(cut)
        return count, [*cut, *found][:_KEPT_PROBLEMS]

    def open(self, names: typing.Iterable[str]) -> None:
        """Begins to follow these files of its directory, which sort behind all others."""
        for name in names:
            path = f"{self.directory}/{name}"
            self.readers.append(EventReader(path, self.storage, name not in self.doubted))

    def add(self, reader: EventReader, event: Event) -> bool:
        """Takes one event in.

        Returns:
            Whether anything that is shown has changed.
        """
        if isinstance(event, RecordEvent):
            reader.pending = event
            return False
        record, reader.pending = reader.pending, None
        if isinstance(event, CaptureEvent):
            return self._add_capture(reader, event)
        if isinstance(event, PictureEvent):
            if record is not None and (record.tag, record.step) != (event.tag, event.step):
                record = None
            return self._add_picture(reader, record, event)
        if isinstance(event, TableEvent):
            self._add_table(event.step, event.table)
            return True
        reader.pending = record
        self._note(reader, event)
        return True

    def layer_measure(self, series: Series, measure: str) -> dict[int, float]:
        """Number of a series' layer by step, as the callback of the series reports it."""
        facts = series.facts
        if facts.layer is None:
            return {}
        return self.layer_measures.get((facts.name, measure, facts.layer["path"]), {})

    def _add_table(self, step: int, table: schema.MeasureTable) -> None:
        for measure, values in table.measures.items():
            for layer, value in zip(table.layers, values, strict=True):
                self._add_layer_measure(step, table.name, measure, layer.path, number(value))

    def _add_layer_measure(
        self, step: int, name: str, measure: str, layer: str, value: float
    ) -> None:
        self.layer_measures.setdefault((name, measure, layer), {})[step] = value

    def _note(self, reader: EventReader, problem: Problem) -> None:
        self.problem_count += 1
        if len(self.problems) < _KEPT_PROBLEMS:
            self.problems.append((reader.name, problem))

    def _add_picture(
        self, reader: EventReader, record: RecordEvent | None, picture: PictureEvent
    ) -> bool:
        series = self.series.get(picture.tag)
        facts = None
        if record is not None:
            try:
                facts = read_facts(record.json, None if series is None else series.facts)
            except ValueError as error:
                self._note(reader, Problem(record.offset, "record", f"{error}"))
        values = values_of(self.readers.index(reader), record, picture, facts)
        return self._enter(picture.tag, values, facts)

    def _add_capture(self, reader: EventReader, capture: CaptureEvent) -> bool:
        file = self.readers.index(reader)
        found = capture.contents
        changed = False
        for static, row in zip(found.pictures, found.rows, strict=True):
            facts, values = listed(file, capture, static, row)
            changed |= self._enter(static.tag, values, facts)
        for table in found.tables:
            self._add_table(capture.step, table)
        return changed

    def _enter(self, tag: str, values: Values, facts: Facts | None) -> bool:
        """Takes one picture in.

        Args:
            tag: Its tag.
            values: A number for each column.
            facts: What its record says; None where it has none that can be read.

        Returns:
            Whether it is shown.
        """
        step, wall_time, file = values[:3]
        series = self.series.get(tag)
        if series is None:
            if facts is None:
                return False  # without a record nobody knows what it is
            series = self.series[tag] = Series(tag, facts)
        if series.file_of(step) > file:
            return False  # written again by a later file, which was read before this one grew
        if facts is not None:
            if not series.step or step >= series.step[-1]:
                series.facts = facts
            series.has_heat_map |= bool(values[FLAGS] & HAS_HEAT_MAP)
        replaced = series.put(values)
        self._add_step(step, wall_time, file, facts, replaced)
        self.pictures += not replaced
        if self.last_wall_time is None or wall_time > self.last_wall_time:
            self.last_wall_time = wall_time
        return True

    def _add_step(
        self, step: int, wall_time: float, file: int, facts: Facts | None, replaced: bool
    ) -> None:
        info = self.steps.get(step)
        if info is None:
            info = self.steps[step] = Step(facts, wall_time)
            self._sorted_steps = None
        info.rewrites += replaced
        if file not in info.files:
            info.files = (*info.files, file)
        if facts is None:
            return
        if file == max(info.files):
            info.epoch, info.batch = facts.epoch, facts.batch
        if facts.layer is not None:
            for measure, value in facts.layer_measures.items():
                self._add_layer_measure(step, facts.name, measure, facts.layer["path"], value)
        if facts.metrics and (info, facts.metrics) != self._latest_metrics:
            self._latest_metrics = info, facts.metrics  # a step's pictures all repeat them
            self._add_metrics(info, facts.metrics)
        for score in (facts.label, facts.prediction, facts.target):
            if score is not None:
                self.classes[score["index"]] = score["name"]

    def _add_metrics(self, info: Step, metrics: dict[str, typing.Any]) -> None:
        for name in metrics:
            self.metric_names.setdefault(name, len(self.metric_names))
        values = list(info.metrics) + [UNKNOWN] * (len(self.metric_names) - len(info.metrics))
        for name, value in metrics.items():
            values[self.metric_names[name]] = number(value)
        info.metrics = tuple(values)


def between(steps: typing.Sequence[int], first: int | None, last: int | None) -> slice:
    """Places of the ascending steps from ``first`` to ``last``, both included."""
    start = 0 if first is None else bisect_left(steps, first)
    return slice(start, len(steps) if last is None else bisect_left(steps, last + 1))


def technique_order(technique: str) -> tuple[int, str]:
    """Sorts techniques as the tab lists them."""
    return _NAMES.get(technique, 3), technique
