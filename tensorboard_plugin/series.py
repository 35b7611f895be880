"""One run's index: a few numbers for each picture, in arrays."""

from __future__ import annotations

import hashlib
import typing
from array import array
from bisect import bisect_left

from tensorboard_plugin import schema
from tensorboard_plugin.events import EventReader, PictureEvent, Problem, RecordEvent
from tensorboard_plugin.facts import UNKNOWN, Facts, number, read_facts
from tensorboard_plugin.storage import Storage

NONE = -1  # no class

_BLANK, _HAS_RECORD, _HAS_HEAT_MAP = 1, 2, 4
_KEPT_PROBLEMS = 100
_TECHNIQUES = {"activations": 0, "filters": 1, "grad_cam": 2, schema.TECHNIQUE_IMAGES: 4}

# Array type of every per-picture number.
_COLUMNS = {
    "step": "q",
    "wall_time": "d",
    "file": "I",
    "offset": "Q",
    "length": "Q",
    "start": "I",
    "size": "Q",
    "record_offset": "Q",
    "record_length": "I",
    "flags": "B",
    "dead": "f",
    "blank": "f",
    "label_probability": "f",
    "prediction": "i",
    "prediction_probability": "f",
    "target": "i",
    "change": "f",
}


class Entry(typing.NamedTuple):
    """Where one picture lies; a copy, to be used without the index's lock."""

    reader: EventReader
    wall_time: float
    offset: int
    length: int
    start: int
    size: int
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
            name: array(code) for name, code in _COLUMNS.items()
        }
        self.step: array[int] = self.columns["step"]
        self.change: array[float] = self.columns["change"]
        self._files: array[int] = self.columns["file"]

    def find(self, step: int) -> int | None:
        """Place of that step."""
        i = bisect_left(self.step, step)
        return i if i < len(self.step) and self.step[i] == step else None

    def between(self, first: int | None, last: int | None) -> slice:
        """Places of the steps from ``first`` to ``last``, both included."""
        return between(self.step, first, last)

    def is_blank(self, i: int) -> bool:
        """Whether it is a class map without any evidence."""
        return bool(self.columns["flags"][i] & _BLANK)

    def file_of(self, step: int) -> int:
        """The file that the picture of that step is in, or -1."""
        if not self.step or step > self.step[-1]:
            return -1
        i = self.find(step)
        return -1 if i is None else self._files[i]

    def put(self, values: tuple[float, ...]) -> bool:
        """Enters one picture; what stood at its step is replaced.

        Args:
            values: A number for each column.

        Returns:
            Whether something was replaced.
        """
        step = int(values[0])
        columns = zip(self.columns.values(), values, strict=True)
        if not self.step or step > self.step[-1]:
            for column, value in columns:
                column.append(value)
            return False
        i = bisect_left(self.step, step)
        replaced = self.step[i] == step
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
        self.readers: list[EventReader] = []
        self.clear()

    def is_at(self, storage: Storage, directory: str) -> bool:
        """Whether that is where it lies."""
        return self.storage is storage and self.directory == directory

    def clear(self) -> None:
        """Forgets everything, to be read again."""
        self.readers = []
        self.series: dict[str, Series] = {}
        self.steps: dict[int, Step] = {}
        self.metric_names: dict[str, int] = {}
        self._latest_metrics: tuple[Step | None, dict[str, typing.Any]] = None, {}
        self.classes: dict[int, str] = {}
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
        return sorted({s.facts.technique for s in self.series.values()}, key=technique_order)

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
            c["wall_time"][i],
            c["offset"][i],
            c["length"][i],
            c["start"][i],
            c["size"][i],
            c["record_offset"][i],
            c["record_length"][i],
            bool(flags & _HAS_RECORD),
            bool(flags & _HAS_HEAT_MAP),
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

    def add(self, reader: EventReader, event: RecordEvent | PictureEvent | Problem) -> bool:
        """Takes one event in.

        Returns:
            Whether anything that is shown has changed.
        """
        if isinstance(event, RecordEvent):
            reader.pending = event
            return False
        if isinstance(event, PictureEvent):
            record, reader.pending = reader.pending, None
            if record is not None and (record.tag, record.step) != (event.tag, event.step):
                record = None
            return self._add_picture(reader, record, event)
        self._note(reader, event)
        return True

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
        if series is None:
            if facts is None:
                return False  # without a record nobody knows what it is
            series = self.series[picture.tag] = Series(picture.tag, facts)
        file = self.readers.index(reader)
        if series.file_of(picture.step) > file:
            return False  # written again by a later file, which was read before this one grew
        if facts is not None:
            if not series.step or picture.step >= series.step[-1]:
                series.facts = facts
            assert record is not None
            series.has_heat_map |= record.has_heat_map
        replaced = series.put(_values(file, record, picture, facts))
        self._add_step(file, picture, facts, replaced)
        self.pictures += not replaced
        if self.last_wall_time is None or picture.wall_time > self.last_wall_time:
            self.last_wall_time = picture.wall_time
        return True

    def _add_step(
        self, file: int, picture: PictureEvent, facts: Facts | None, replaced: bool
    ) -> None:
        info = self.steps.get(picture.step)
        if info is None:
            info = self.steps[picture.step] = Step(facts, picture.wall_time)
            self._sorted_steps = None
        info.rewrites += replaced
        if file not in info.files:
            info.files = (*info.files, file)
        if facts is None:
            return
        if file == max(info.files):
            info.epoch, info.batch = facts.epoch, facts.batch
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
    return _TECHNIQUES.get(technique, 3), technique


def _values(
    file: int, record: RecordEvent | None, picture: PictureEvent, facts: Facts | None
) -> tuple[float, ...]:
    """One picture's numbers, in the order of the columns."""
    offset, length, flags = 0, 0, 0
    dead, blank, label, prediction, target = UNKNOWN, UNKNOWN, None, None, None
    if record is not None:
        offset, length = record.offset, record.length
        flags = _HAS_HEAT_MAP if record.has_heat_map else 0
    if facts is not None:
        flags |= _HAS_RECORD | (_BLANK if facts.blank else 0)
        dead, blank = facts.dead, facts.blank_fraction
        label, prediction, target = facts.label, facts.prediction, facts.target
    return (
        picture.step,
        picture.wall_time,
        file,
        picture.offset,
        picture.length,
        picture.start,
        picture.size,
        offset,
        length,
        flags,
        dead,
        blank,
        number(label and label.get("probability")),
        NONE if prediction is None else prediction["index"],
        number(prediction and prediction.get("probability")),
        NONE if target is None else target["index"],
        UNKNOWN,
    )
