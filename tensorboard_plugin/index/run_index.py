"""What one of our run directories holds."""

from __future__ import annotations

import hashlib
import typing

from tensorboard_plugin import schema
from tensorboard_plugin.index.picture_columns import FLAGS, Values, listed, values_of
from tensorboard_plugin.index.picture_series import PictureLocation, PictureSeries
from tensorboard_plugin.index.record_fields import (
    HAS_HEAT_MAP,
    UNKNOWN,
    RecordFields,
    number,
    read_record_fields,
)
from tensorboard_plugin.log.event_reader import EventReader
from tensorboard_plugin.log.log_events import (
    CaptureEvent,
    Event,
    PictureEvent,
    Problem,
    RecordEvent,
)
from tensorboard_plugin.log.log_source import LogSource

_KEPT_PROBLEMS = 100
_TECHNIQUES = {"activations": 0, "filters": 1, "grad_cam": 2, schema.TECHNIQUE_IMAGES: 4}


class StepInfo:
    """What is known of one step of a run."""

    __slots__ = ("batch", "epoch", "files", "metrics", "rewrites", "wall_time")

    def __init__(self, fields: RecordFields | None, wall_time: float) -> None:
        self.epoch = 0 if fields is None else fields.epoch
        self.batch = 0 if fields is None else fields.batch
        self.wall_time = wall_time
        self.files: tuple[int, ...] = ()
        self.rewrites = 0
        self.metrics: tuple[float, ...] = ()


class RunIndex:
    """What one of our run directories holds. Not thread-safe: `Index` has the lock."""

    def __init__(
        self, name: str, label: str, training: int, source: LogSource, directory: str
    ) -> None:
        self.name = name
        self.label = label
        self.training = training
        self.source = source
        self.directory = directory
        self.files_with_wrong_contents: set[str] = set()
        self.readers: list[EventReader] = []
        self.clear()

    def is_at(self, source: LogSource, directory: str) -> bool:
        """Whether that is where it lies."""
        return self.source is source and self.directory == directory

    def clear(self) -> None:
        """Forgets everything, to be read again."""
        self.files_with_wrong_contents |= {
            reader.name for reader in self.readers if reader.contents_are_wrong
        }
        self.readers = []
        self.series: dict[str, PictureSeries] = {}
        self.steps: dict[int, StepInfo] = {}
        self.metric_names: dict[str, int] = {}
        self._latest_metrics: tuple[StepInfo | None, dict[str, typing.Any]] = None, {}
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
        return sorted({s.fields.technique for s in self.series.values()}, key=technique_order)

    @property
    def ordered_series(self) -> list[PictureSeries]:
        """Every series, by technique, layer and image."""

        def order(s: PictureSeries) -> tuple[typing.Any, ...]:
            f = s.fields
            layer = (-1, "") if f.layer is None else (f.layer["index"], f.layer["path"])
            image = (-1 if f.image_index is None else f.image_index, f.image_name or "")
            return technique_order(f.technique), layer, image

        return sorted(self.series.values(), key=order)

    @property
    def layers(self) -> list[dict[str, typing.Any]]:
        """The layers that pictures show, in network order."""
        found: dict[str, dict[str, typing.Any]] = {}
        for s in self.series.values():
            layer = s.fields.layer
            if layer is not None:
                shape = layer["shape"]
                found[layer["path"]] = {**layer, "channels": shape[-1] if shape else None}
        return sorted(found.values(), key=lambda layer: (layer["index"], layer["path"]))

    def location(self, series: PictureSeries, i: int) -> PictureLocation:
        """Where one picture of a series lies."""
        return series.location(i, self.readers)

    def stamp(self, step: int) -> str:
        """Changes when a picture of that step is written again, not when one more comes."""
        info = self.steps[step]
        keys = sorted(self.readers[i].key for i in info.files)
        text = " ".join([*keys, str(info.rewrites)])
        return hashlib.blake2s(text.encode(), digest_size=5).hexdigest()

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
            self.readers.append(
                EventReader(path, self.source, name not in self.files_with_wrong_contents)
            )

    def add(self, reader: EventReader, event: Event) -> bool:
        """Takes one event in.

        Returns:
            Whether anything that is shown has changed.
        """
        if isinstance(event, RecordEvent):
            reader.pending_record = event
            return False
        record, reader.pending_record = reader.pending_record, None
        if isinstance(event, CaptureEvent):
            return self._add_capture(reader, event)
        if isinstance(event, PictureEvent):
            if record is not None and (record.tag, record.step) != (event.tag, event.step):
                record = None
            return self._add_picture(reader, record, event)
        reader.pending_record = record
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
        fields = None
        if record is not None:
            try:
                fields = read_record_fields(record.json, None if series is None else series.fields)
            except ValueError as error:
                self._note(reader, Problem(record.offset, "record", f"{error}"))
        values = values_of(self.readers.index(reader), record, picture, fields)
        return self._enter(picture.tag, values, fields)

    def _add_capture(self, reader: EventReader, capture: CaptureEvent) -> bool:
        file = self.readers.index(reader)
        found = capture.contents
        changed = False
        for still, row in zip(found.stills, zip(*found.columns, strict=True), strict=True):
            fields, values = listed(file, capture, still, row)
            changed |= self._enter(still.tag, values, fields)
        return changed

    def _enter(self, tag: str, values: Values, fields: RecordFields | None) -> bool:
        """Takes one picture in.

        Args:
            tag: Its tag.
            values: A number for each column.
            fields: What its record says; None where it has none that can be read.

        Returns:
            Whether it is shown.
        """
        step, wall_time, file = values[:3]
        series = self.series.get(tag)
        if series is None:
            if fields is None:
                return False  # without a record nobody knows what it is
            series = self.series[tag] = PictureSeries(tag, fields)
        if series.file_of(step) > file:
            return False  # written again by a later file, which was read before this one grew
        if fields is not None:
            if not series.step or step >= series.step[-1]:
                series.fields = fields
            series.has_heat_map |= bool(values[FLAGS] & HAS_HEAT_MAP)
        replaced = series.put(values)
        self._add_step(step, wall_time, file, fields, replaced)
        self.pictures += not replaced
        if self.last_wall_time is None or wall_time > self.last_wall_time:
            self.last_wall_time = wall_time
        return True

    def _add_step(
        self, step: int, wall_time: float, file: int, fields: RecordFields | None, replaced: bool
    ) -> None:
        info = self.steps.get(step)
        if info is None:
            info = self.steps[step] = StepInfo(fields, wall_time)
            self._sorted_steps = None
        info.rewrites += replaced
        if file not in info.files:
            info.files = (*info.files, file)
        if fields is None:
            return
        if file == max(info.files):
            info.epoch, info.batch = fields.epoch, fields.batch
        if fields.metrics and (info, fields.metrics) != self._latest_metrics:
            self._latest_metrics = info, fields.metrics  # a step's pictures all repeat them
            self._add_metrics(info, fields.metrics)
        for score in (fields.label, fields.prediction, fields.target):
            if score is not None:
                self.classes[score["index"]] = score["name"]

    def _add_metrics(self, info: StepInfo, metrics: dict[str, typing.Any]) -> None:
        for name in metrics:
            self.metric_names.setdefault(name, len(self.metric_names))
        values = list(info.metrics) + [UNKNOWN] * (len(self.metric_names) - len(info.metrics))
        for name, value in metrics.items():
            values[self.metric_names[name]] = number(value)
        info.metrics = tuple(values)


def technique_order(technique: str) -> tuple[int, str]:
    """Sorts techniques as the tab lists them."""
    return _TECHNIQUES.get(technique, 3), technique
