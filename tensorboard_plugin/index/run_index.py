"""What one of our run directories holds."""

from __future__ import annotations

import hashlib
import math
import typing
from collections.abc import Iterable, Iterator

from tensorboard_plugin import schema
from tensorboard_plugin.capture_table import Moment
from tensorboard_plugin.checked_json import UNKNOWN, checked_layer, number
from tensorboard_plugin.index.layer_series import LayerSeries
from tensorboard_plugin.index.picture_columns import (
    Described,
    PictureRow,
    described,
    row_of_picture,
    rows_of_capture,
)
from tensorboard_plugin.index.picture_series import PictureLocation, PictureSeries
from tensorboard_plugin.index.record_fields import read_record_fields
from tensorboard_plugin.log.event_reader import EventReader
from tensorboard_plugin.log.log_events import (
    CaptureEvent,
    Event,
    PictureEvent,
    Problem,
    RecordEvent,
    TableEvent,
)
from tensorboard_plugin.log.log_source import LogSource

_KEPT_PROBLEMS = 100


class StepInfo:
    """What is known of one step of a run.

    Args:
        wall_time: Seconds since 1970 of what was written first.
    """

    __slots__ = ("batch", "epoch", "files", "has_pictures", "metrics", "rewrites", "wall_time")

    def __init__(self, wall_time: float) -> None:
        self.epoch = 0
        self.batch = 0
        self.wall_time = wall_time
        self.has_pictures = False
        self.files: tuple[int, ...] = ()
        self.rewrites = 0
        self.metrics: tuple[float, ...] = ()


class Measure(typing.NamedTuple):
    """A measure that a run has numbers of.

    Attributes:
        measure: Its name.
        of: ``"layer"`` or ``"picture"``.
        names: Names of the callbacks that report it.
    """

    measure: str
    of: str
    names: tuple[str, ...]


class RunIndex:
    """What one of our run directories holds. Not thread-safe: `LogIndex` has the lock.

    Args:
        name: Name of the run in TensorBoard.
        label: Name of the user's own run.
        training: Which training in that run it is, from 1.
        source: Where it lies.
        directory: Its directory.
    """

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
        self.layer_series: dict[tuple[str, str], LayerSeries] = {}
        """By name of the callback and path of the layer."""
        self.steps: dict[int, StepInfo] = {}
        self.metric_names: dict[str, int] = {}
        self._latest_metrics: tuple[StepInfo | None, dict[str, typing.Any]] = None, {}
        self.classes: dict[int, str] = {}
        self.problem_count = 0
        self.problems: list[tuple[str, Problem]] = []
        self.pictures = 0
        self._last_wall_time_of_pictures = -math.inf
        self._last_wall_time_of_tables = -math.inf
        self._latest_file = 0
        self.unreadable: dict[str, str] = {}
        self._sorted_steps: list[int] | None = None

    @property
    def sorted_steps(self) -> list[int]:
        """Every step, ascending."""
        if self._sorted_steps is None:
            self._sorted_steps = sorted(self.steps)
        return self._sorted_steps

    @property
    def last_wall_time(self) -> float | None:
        """Time of the latest picture; of the latest measure table where there are no pictures."""
        last = self._last_wall_time_of_pictures if self.pictures else self._last_wall_time_of_tables
        return last if math.isfinite(last) else None

    @property
    def progress(self) -> tuple[int, int]:
        """Bytes read, bytes that can be read."""
        parts = [r.progress for r in self.readers if r.name not in self.unreadable]
        return sum(p[0] for p in parts), sum(p[1] for p in parts)

    @property
    def ordered_series(self) -> list[PictureSeries]:
        """Every series, by kind, name, layer and image."""
        return sorted(self.series.values(), key=_order)

    @property
    def layers(self) -> list[dict[str, typing.Any]]:
        """The layers of pictures and of measures, in network order."""
        found: dict[str, dict[str, typing.Any]] = {}
        for layer in self._layers():
            shape = layer["shape"]
            found[layer["path"]] = {**layer, "channels": shape[-1] if shape else None}
        return sorted(found.values(), key=lambda layer: (layer["index"], layer["path"]))

    @property
    def measures(self) -> list[Measure]:
        """The measures of layers, then those of pictures, in order of first appearance."""
        found: dict[tuple[str, str], dict[str, None]] = {}
        for layer in self.layer_series.values():
            for measure in layer.columns.measures:
                found.setdefault((measure, "layer"), {})[layer.name] = None
        for s in self.series.values():
            for measure in s.columns.measures:
                found.setdefault((measure, "picture"), {})[s.static.name] = None
        return [Measure(measure, of, tuple(names)) for (measure, of), names in found.items()]

    def location(self, series: PictureSeries, i: int) -> PictureLocation:
        """Where one picture of a series lies."""
        return series.location(i, self.readers)

    def layer_series_of(self, series: PictureSeries) -> LayerSeries | None:
        """The measures that the callback of a series reports of the layer of the series."""
        path = series.layer_path
        return None if path is None else self.layer_series.get((series.static.name, path))

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

    def open(self, names: Iterable[str]) -> None:
        """Begins to follow these files of its directory, which sort after all others."""
        for name in names:
            path = f"{self.directory}/{name}"
            use_contents = name not in self.files_with_wrong_contents
            self.readers.append(EventReader(path, self.source, use_contents))

    def add(self, reader: EventReader, event: Event) -> bool:
        """Takes one event in.

        Returns:
            Whether anything that is shown has changed.
        """
        if isinstance(event, RecordEvent):
            reader.pending_record = event
            return False
        if isinstance(event, Problem):
            self._note(reader, event)
            return True
        file = self.readers.index(reader)
        if isinstance(event, TableEvent):
            return self._add_table(file, event.step, event.wall_time, event.table)
        record, reader.pending_record = reader.pending_record, None
        if isinstance(event, CaptureEvent):
            return self._add_capture(file, event)
        if record is not None and (record.tag, record.step) != (event.tag, event.step):
            record = None
        return self._add_picture(reader, file, record, event)

    def _layers(self) -> Iterator[dict[str, typing.Any]]:
        for layer in self.layer_series.values():
            yield layer.layer
        for s in self.series.values():
            if s.static.layer is not None:
                yield s.static.layer

    def _note(self, reader: EventReader, problem: Problem) -> None:
        self.problem_count += 1
        if len(self.problems) < _KEPT_PROBLEMS:
            self.problems.append((reader.name, problem))

    def _add_picture(
        self, reader: EventReader, file: int, record: RecordEvent | None, picture: PictureEvent
    ) -> bool:
        series = self.series.get(picture.tag)
        fields = None
        if record is not None:
            known = None if series is None else series.static
            try:
                fields = read_record_fields(record.json, picture.tag, known)
            except ValueError as error:
                self._note(reader, Problem(record.offset, "record", f"{error}"))
        row = row_of_picture(file, picture, record, fields)
        description = None if fields is None else described(fields)
        replaced = self._enter(row, picture.tag, description)
        if replaced is not None:
            self._enter_step(row, None if description is None else description.moment, replaced)
        if fields is not None and fields.layer_measures and fields.static.layer is not None:
            name, layer = fields.static.name, fields.static.layer
            layer_series = self.layer_series.get((name, layer["path"]))
            if layer_series is None:
                layer_series = self._new_layer_series(name, layer)
            layer_series.put(picture.step, file, fields.layer_measures)
        return replaced is not None

    def _add_capture(self, file: int, capture: CaptureEvent) -> bool:
        latest: PictureRow | None = None
        moment: Moment | None = None
        rewrites = 0
        for row, picture in rows_of_capture(file, capture):
            replaced = self._enter(row, picture.static.tag, picture)
            if replaced is None:
                continue
            if moment is not picture.moment:  # the pictures of a capture share it
                self._enter_step(row, picture.moment, replaced)
            else:
                rewrites += replaced
            latest, moment = row, picture.moment
        if latest is not None:
            self.steps[capture.step].rewrites += rewrites
        for table in capture.contents.tables:
            self._add_table(file, capture.step, capture.wall_time, table)
        return latest is not None or len(capture.contents.tables) > 0

    def _enter(self, row: PictureRow, tag: str, picture: Described | None) -> bool | None:
        """Takes one picture in.

        Args:
            row: Its numbers.
            tag: Its tag.
            picture: What its record says; None where it has none that can be read.

        Returns:
            Whether it replaces one; None where it is not shown.
        """
        series = self.series.get(tag)
        if series is None:
            if picture is None:
                return None  # what it is is not known without a record
            series = self.series[tag] = PictureSeries(picture.static)
        if row.file < self._latest_file and series.columns.file_of(row.step) > row.file:
            return None  # written again by a later file, which was read before this one grew
        replaced = series.put(row, picture)
        self.pictures += not replaced
        if row.wall_time > self._last_wall_time_of_pictures:
            self._last_wall_time_of_pictures = row.wall_time
        if picture is not None:
            for known in (picture.label, picture.prediction, picture.target):
                if known is not None:
                    self.classes[known[0]] = known[1]
        return replaced

    def _enter_step(self, row: PictureRow, moment: Moment | None, replaced: bool) -> None:
        """Notes at which step a picture is.

        Args:
            row: The picture's numbers.
            moment: Epoch, batch and metrics; None where its record can't be read.
            replaced: Whether it replaces one.
        """
        info = self.steps.get(row.step)
        if info is None:
            info = self._new_step(row.step, row.wall_time)
        if not info.has_pictures:
            info.has_pictures, info.wall_time = True, row.wall_time
        info.rewrites += replaced
        if row.file not in info.files:
            info.files = (*info.files, row.file)
        self._latest_file = max(row.file, self._latest_file)
        if moment is not None:
            if row.file == max(info.files):
                info.epoch, info.batch, _ = moment
            self._add_metrics(info, moment)

    def _add_table(
        self, file: int, step: int, wall_time: float, table: schema.MeasureTable
    ) -> bool:
        for i, layer in enumerate(table.layers):
            series = self.layer_series.get((table.name, layer.path))
            if series is None:
                checked = checked_layer({**vars(layer), "shape": list(layer.shape)})
                assert checked is not None
                series = self._new_layer_series(table.name, checked)
            measures = {name: number(values[i]) for name, values in table.measures.items()}
            series.put(step, file, measures)
        self._last_wall_time_of_tables = max(wall_time, self._last_wall_time_of_tables)
        info = self.steps.get(step)
        if info is None:
            info = self._new_step(step, wall_time)
        if not info.files or file >= max(info.files):
            info.epoch, info.batch = table.epoch, table.batch
        self._add_metrics(info, (table.epoch, table.batch, table.metrics))
        return True

    def _new_layer_series(self, name: str, layer: dict[str, typing.Any]) -> LayerSeries:
        series = self.layer_series[name, layer["path"]] = LayerSeries(name, layer)
        return series

    def _new_step(self, step: int, wall_time: float) -> StepInfo:
        info = self.steps[step] = StepInfo(wall_time)
        self._sorted_steps = None
        return info

    def _add_metrics(self, info: StepInfo, moment: Moment) -> None:
        _, _, metrics = moment
        if not metrics or (info, metrics) == self._latest_metrics:
            return  # the pictures of a step all repeat them
        self._latest_metrics = info, metrics
        for name in metrics:
            self.metric_names.setdefault(name, len(self.metric_names))
        values = list(info.metrics) + [UNKNOWN] * (len(self.metric_names) - len(info.metrics))
        for name, value in metrics.items():
            values[self.metric_names[name]] = number(value)
        info.metrics = tuple(values)


def _order(series: PictureSeries) -> tuple[typing.Any, ...]:
    static = series.static
    layer = (-1, "") if static.layer is None else (static.layer["index"], static.layer["path"])
    image = -1 if static.image_index is None else static.image_index
    return (
        schema.KINDS.index(static.kind),
        static.name,
        layer,
        image,
        "" if static.image_name is None else static.image_name,
    )
