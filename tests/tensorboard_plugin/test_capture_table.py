"""Contents say what records say, and cost nothing where they are wrong, cut, or missing."""

from __future__ import annotations

import dataclasses
import functools
import itertools
import json
import os
import random
import struct
import tempfile
import typing
import zlib
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from keras_viz_callbacks.summary import event_file, framing, summaries
from tensorboard_plugin import capture_table, schema
from tensorboard_plugin.answers import pictures
from tensorboard_plugin.index import log_index as index_module
from tensorboard_plugin.index.log_directories import log_directories
from tensorboard_plugin.index.log_index import LogIndex
from tensorboard_plugin.index.run_index import RunIndex
from tensorboard_plugin.log import event_bytes, log_errors
from tensorboard_plugin.log.event_reader import EventReader
from tensorboard_plugin.log.log_events import CaptureEvent
from tests.helpers import synthetic_logs
from tests.helpers.reader_events import expanded

SMALL = synthetic_logs.Spec(epochs=3, layers=1, images=2, channels=2, cell=4, size=8)
SPECS = [
    synthetic_logs.Spec(),
    SMALL,
    synthetic_logs.Spec(epochs=5, layers=5, images=3, class_maps=2, step_size=10),
    synthetic_logs.Spec(labels=False, held_out=False, filters=False, first_epoch=4),
    synthetic_logs.Spec(name="é\ud800 {}"),
]


@pytest.fixture(autouse=True)
def looks_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(index_module, "LOOK_EVERY", 0)
    monkeypatch.setattr(index_module, "WALK_EVERY", 0)
    monkeypatch.setattr(index_module, "WALK_SHARE", 0)


def index_of(directory: Path | str) -> LogIndex:
    index = LogIndex(log_directories(str(directory)))
    index.refresh(seconds=60)
    return index


def read_run(directory: Path | str, use_contents: bool = True) -> RunIndex:
    """The only run of a directory, read by its contents or frame by frame."""
    original = EventReader.__init__

    def init(self: EventReader, *arguments: typing.Any) -> None:
        original(self, *arguments[:2], use_contents and all(arguments[2:]))

    EventReader.__init__ = init  # type: ignore[method-assign]
    try:
        (run,) = index_of(directory).runs.values()
    finally:
        EventReader.__init__ = original  # type: ignore[method-assign]
    return run


def state(run: RunIndex) -> typing.Any:
    """All that a run holds, so that it can be compared: NaN is like NaN."""
    return {
        "series": [
            (
                tag,
                repr((s.static, s.label)),
                s.has_heat_map,
                {n: c.tobytes() for n, c in s.columns.fixed.items()},
                {n: c.tobytes() for n, c in sorted(s.columns.measures.items())},
            )
            for tag, s in run.series.items()
        ],
        "layer_series": [
            (
                key,
                s.layer,
                s.step.tolist(),
                {n: c.tobytes() for n, c in sorted(s.columns.measures.items())},
            )
            for key, s in run.layer_series.items()
        ],
        "steps": [
            (step, *(repr(getattr(info, name)) for name in info.__slots__))
            for step, info in run.steps.items()
        ],
        "metrics": run.metric_names,
        "classes": list(run.classes.items()),
        "pictures": run.pictures,
        "wall_time": run.last_wall_time,
        "problems": run.all_problems(),
        "progress": run.progress,
    }


def shown(run: RunIndex) -> dict[tuple[str, int], bytes]:
    """Every picture that is not damaged."""
    found = {}
    for tag, series in run.series.items():
        for i, step in enumerate(series.step):
            try:
                found[tag, step] = pictures.read(run.location(series, i))
            except log_errors.Damaged:
                continue
    return found


@functools.cache
def small_log(spec: synthetic_logs.Spec = SMALL) -> tuple[bytes, dict[tuple[str, int], bytes]]:
    """A log's bytes and its pictures."""
    with tempfile.TemporaryDirectory() as directory:
        log = synthetic_logs.write(directory, spec)
        return Path(log.path).read_bytes(), {k: w.png for k, w in log.pictures.items()}


def frames_of(data: bytes) -> list[bytes]:
    found, at = [], 0
    while at < len(data):
        (length,) = struct.unpack_from("<Q", data, at)
        found.append(data[at : at + 16 + length])
        at += len(found[-1])
    return found


def is_contents(frame: bytes) -> bool:
    return schema.CONTENTS_TAG.encode() in frame[:200]


def place(directory: Path, data: bytes) -> Path:
    path = directory / schema.RUN_NAME / "events.out.tfevents.1.host.1.0"
    path.parent.mkdir(exist_ok=True)
    path.unlink(missing_ok=True)
    path.write_bytes(data)
    return path


def without_offsets(found: typing.Any) -> typing.Any:
    """A state without places in the file."""
    for *_, columns, _ in found["series"]:
        del columns["offset"], columns["record_offset"]
    return {**found, "progress": None}


@pytest.mark.parametrize("spec", SPECS)
def test_an_index_by_contents_equals_one_by_records(
    spec: synthetic_logs.Spec, tmp_path: Path
) -> None:
    log = synthetic_logs.write(str(tmp_path), spec)
    again = dataclasses.replace(spec, first_epoch=spec.first_epoch + 1, seed=3)
    synthetic_logs.write(str(tmp_path), again)
    run = read_run(tmp_path)
    assert all(reader.has_used_contents for reader in run.readers)
    assert state(run) == state(read_run(tmp_path, use_contents=False))
    found = list(EventReader(log.path).read())
    assert [type(event) for event in found] == [CaptureEvent] * spec.epochs
    assert expanded(found) == expanded(EventReader(log.path, use_contents=False).read())


_numbers = st.floats(allow_nan=False, allow_infinity=False)
_names = st.text(max_size=3) | st.sampled_from(["a", "b/c", "é", "\ud800", '"'])
_scores = st.none() | st.builds(
    schema.ClassScore, st.integers(-2, 4) | st.just(1 << 31), _names, st.none() | _numbers
)
_layers = st.none() | st.builds(
    schema.Layer,
    _names,
    _names,
    st.integers(0, 3),
    st.lists(st.integers(0, 9), max_size=3).map(tuple),
)
_grids = st.none() | st.just(schema.Grid(1, 1, 1, 1, 0, (0,)))
_records = st.builds(
    schema.Record,
    name=_names,
    kind=st.sampled_from(schema.KINDS),
    title=_names,
    item=st.none() | _names,
    tag=st.sampled_from(["t/a", "t/b", "é", "\ud800", "x" * 300]),
    width=st.integers(0, 1 << 60),
    height=st.integers(0, 9),
    epoch=st.integers(-1, 1 << 60),
    batch=st.integers(0, 3),
    layer=_layers,
    image_name=st.none() | _names,
    image_index=st.none() | st.integers(0, 1 << 60),
    label=_scores,
    prediction=_scores,
    target=_scores,
    grid=_grids,
    colormap=st.none() | st.just("viridis"),
    measures=st.dictionaries(_names, st.none() | _numbers, max_size=2),
    blank=st.booleans(),
    metrics=st.dictionaries(_names, st.none() | _numbers, max_size=2),
)
_values = st.lists(
    st.tuples(_records, st.none() | st.binary(max_size=9), st.booleans()), max_size=4
)
_captures = st.lists(
    st.tuples(st.integers(-1, 3), _values, st.sampled_from(["", "flush", "close"])), max_size=6
)


@settings(
    deadline=None, max_examples=150, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(captures=_captures)
def test_contents_say_what_records_say_whatever_is_written(
    captures: list[tuple[int, list[typing.Any], str]],
) -> None:
    with tempfile.TemporaryDirectory() as directory:
        file = event_file.EventFile(os.path.join(directory, schema.RUN_NAME))
        for n, (step, values, ending) in enumerate(captures):
            for i, (record, heat_map, has_scalar) in enumerate(values):
                picture = summaries.image(record.tag, b"%d %d" % (n, i), 3, 4)
                scalar = [summaries.scalar("s", 1.0)] if has_scalar else []
                summaries_ = [summaries.record(record, heat_map), picture, *scalar]
                file.write(step, summaries_, wall_time=100.0 - n + i)
            if ending:
                getattr(file, ending)()
        file.close()
        if not os.path.isdir(file.directory):
            return
        run, expected = read_run(directory), read_run(directory, use_contents=False)
        # A class of which a record alone says that it is none is a problem only where it is read.
        assert state(run) == state(expected)


@settings(
    deadline=None, max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(data=st.data())
def test_of_a_cut_file_all_complete_frames_are_shown(data: st.DataObject, tmp_path: Path) -> None:
    log_bytes, _ = small_log()
    end = data.draw(st.integers(0, len(log_bytes)))
    place(tmp_path, log_bytes[:end])
    assert state(read_run(tmp_path)) == state(read_run(tmp_path, use_contents=False))


@settings(
    deadline=None, max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(data=st.data())
def test_a_growing_file_gives_the_same_index_whatever_the_pieces(
    data: st.DataObject, tmp_path: Path
) -> None:
    log_bytes, expected = small_log()
    cuts = sorted(data.draw(st.lists(st.integers(0, len(log_bytes)), max_size=6)))
    path = place(tmp_path, b"")
    index = index_of(tmp_path)
    for start, end in zip([0, *cuts], [*cuts, len(log_bytes)], strict=True):
        with path.open("ab") as file:
            file.write(log_bytes[start:end])
        index.refresh(seconds=60)
    (run,) = index.runs.values()
    assert state(run) == state(read_run(tmp_path, use_contents=False))
    assert shown(run) == expected


@settings(
    deadline=None, max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(data=st.data())
def test_damaged_contents_cost_nothing(data: st.DataObject, tmp_path: Path) -> None:
    log_bytes, expected = small_log()
    frames = frames_of(log_bytes)
    hit = data.draw(st.sampled_from([i for i, frame in enumerate(frames) if is_contents(frame)]))
    begin = sum(map(len, frames[:hit]))
    at = data.draw(st.integers(begin, begin + len(frames[hit]) - 1))
    damaged = bytearray(log_bytes)
    damaged[at] ^= 1 << data.draw(st.integers(0, 7))
    place(tmp_path, damaged)
    assert shown(read_run(tmp_path)) == expected


def falsified(frame: bytes, how: int, rng: random.Random) -> bytes:
    """Contents with right checksums that say something else."""
    payload = frame[12:-4]
    peek = event_bytes.read_event_head(payload, len(payload))
    assert peek is not None
    static, changing = (payload[a : a + n] for a, n in peek.strings)
    version, count, size, length = capture_table.CONTENTS_HEAD.unpack_from(changing)
    begin = capture_table.CONTENTS_HEAD.size
    text = changing[begin : begin + length]
    said = json.loads(zlib.decompress(static))
    pictures_ = said["pictures"]
    layout = struct.Struct(capture_table.CONTENTS_ROW.format + "d" * len(said["measures"]))
    rows = [list(row) for row in layout.iter_unpack(changing[begin + length :])]
    kind = how % 8
    if kind == 0:
        for row in rows:
            row[rng.randrange(3)] = rng.randrange(200)
    elif kind == 1:
        row, column = rng.choice(rows), rng.randrange(3)
        row[column] = max(0, row[column] + rng.choice([-1, 1, 16]))
    elif kind == 2:
        size = rng.choice([0, size - 1, size + 1, (1 << 64) - 1])
    elif kind == 3:
        rng.shuffle(pictures_)
    elif kind == 4:
        version, count = rng.choice([(version + 1, count), (version, rng.randrange(1 << 32))])
    elif kind == 5:
        text = rng.choice([b"", b"[]", b"{}", b"[" * 5000, b'{"moments":[[]],"classes":[]}'])
        length = rng.choice([len(text), length, (1 << 32) - 1])
    elif kind == 6:
        rng.choice(rows)[rng.randrange(4, 8)] = rng.choice([1, 2, 65535])
    else:
        said["pictures"] = rng.choice(
            [{}, [], [{}] * count, [None] * count, [{"tag": 1}] * count, "x", 5]
        )
        said = rng.choice([said, said["pictures"], {"pictures": pictures_}])
    changing = capture_table.CONTENTS_HEAD.pack(version, count, size, length) + text
    changing += b"".join(layout.pack(*row) for row in rows)
    if rng.random() < 0.1:
        changing = changing[: rng.randrange(len(changing))]
    static = zlib.compress(json.dumps(said).encode())
    if rng.random() < 0.1:
        static = static[: rng.randrange(len(static))]
    value = summaries.contents(static, changing)
    head = framing.event_head(peek.step, peek.wall_time)
    return b"".join(framing.pieces(framing.frame(head, *value[:3])))


@settings(
    deadline=None, max_examples=200, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(how=st.integers(0, 1 << 30))
def test_wrong_contents_never_show_what_was_not_written(how: int, tmp_path: Path) -> None:
    log_bytes, expected = small_log()
    frames = frames_of(log_bytes)
    rng = random.Random(how)
    changed_frames = {
        i for i, frame in enumerate(frames) if is_contents(frame) and rng.random() < 0.6
    }
    place(
        tmp_path,
        b"".join(
            falsified(f, how, rng) if i in changed_frames else f for i, f in enumerate(frames)
        ),
    )
    index = index_of(tmp_path)
    (run,) = index.runs.values()
    first = shown(run)
    assert first.items() <= expected.items(), "what is shown is what was written"
    for series in list(run.series.values()):
        for i in range(len(series.step)):
            data, heat_map = None, None
            try:
                data, heat_map = pictures.read_record(run.location(series, i))
            except log_errors.Damaged:
                continue
            assert data is None or schema.decode_record(data).tag == series.tag
            assert heat_map is None or heat_map.startswith(b"\x89PNG")
    # After the first picture that can't be read, all is read without the contents of that file.
    index.refresh(seconds=60)
    if any(reader.contents_are_wrong for reader in run.readers) or first != expected:
        assert shown(run) == expected
    assert run.readers[0].is_caught_up


@settings(
    deadline=None, max_examples=100, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(data=st.data())
def test_inserted_bytes_cost_only_what_they_replace(data: st.DataObject, tmp_path: Path) -> None:
    log_bytes, expected = small_log()
    frames = frames_of(log_bytes)
    hit = data.draw(st.integers(1, len(frames) - 1))
    junk = data.draw(st.binary(min_size=1, max_size=40))
    kind = data.draw(st.sampled_from(["before it", "after it", "instead of it"]))
    frame = frames[hit]
    changed = {
        "before it": junk + frame,
        "after it": frame + junk,
        "instead of it": junk,
    }[kind]
    data_ = b"".join((*frames[:hit], changed, *frames[hit + 1 :]))
    path = place(tmp_path, data_)
    spared = expected
    if kind == "instead of it":
        place(tmp_path, b"".join((*frames[:hit], *frames[hit + 1 :])))
        spared = shown(read_run(tmp_path, use_contents=False))
        path = place(tmp_path, data_)
    run = read_run(tmp_path)
    assert shown(run) == spared
    assert path.exists()


def test_inserted_bytes_are_noticed_when_the_file_has_grown_beyond_them(tmp_path: Path) -> None:
    """Before, no frame after them shows that something is wrong."""
    log_bytes, expected = small_log()
    frames = frames_of(log_bytes)
    last = max(i for i, frame in enumerate(frames) if is_contents(frame))
    begin = sum(map(len, frames[: last + 2]))
    # As long as it was, with bytes inserted, so that the last frame is not complete yet.
    shifted = log_bytes[:begin] + b"junk" * 5 + log_bytes[begin:]
    path = place(tmp_path, shifted[: len(log_bytes)])
    index = index_of(tmp_path)
    (run,) = index.runs.values()
    assert run.pictures == len(expected), "the contents are all there is to go by"
    with path.open("ab") as file:
        file.write(shifted[len(log_bytes) :])
    index.refresh(seconds=60)
    assert run.files_with_wrong_contents == {path.name}
    assert shown(run) == expected
    assert state(run) == state(read_run(tmp_path, use_contents=False))


def test_pictures_that_changed_places_are_noticed(tmp_path: Path) -> None:
    """All lengths are right: it is noticed when a picture is read."""
    log_bytes, expected = small_log()
    frames = frames_of(log_bytes)
    first = next(i for i, frame in enumerate(frames) if is_contents(frame))
    changed = [*frames]
    changed[first + 1 : first + 5] = [
        *frames[first + 3 : first + 5],
        *frames[first + 1 : first + 3],
    ]
    assert len(frames[first + 2]) != len(frames[first + 4])
    place(tmp_path, b"".join(changed))
    index = index_of(tmp_path)
    (run,) = index.runs.values()
    assert run.pictures == len(expected)
    assert shown(run).items() < expected.items()
    index.refresh(seconds=60)
    assert shown(run) == expected
    before = run.readers
    index.refresh(seconds=60)
    assert run.readers is before, "it is read again once"


def test_a_damaged_picture_does_not_make_contents_wrong(tmp_path: Path) -> None:
    log_bytes, expected = small_log()
    png = next(png for (_, step), png in expected.items() if step == 1)
    damaged = bytearray(log_bytes)
    damaged[log_bytes.index(png) + len(png) // 2] ^= 1
    place(tmp_path, damaged)
    index = index_of(tmp_path)
    (run,) = index.runs.values()
    assert len(shown(run)) == len(expected) - 1
    assert not run.readers[0].contents_are_wrong


def test_contents_stay_unused_in_the_file_where_they_were_wrong(tmp_path: Path) -> None:
    first, second = (synthetic_logs.write(str(tmp_path), SMALL) for _ in range(2))
    index = index_of(tmp_path)
    (run,) = index.runs.values()
    run.readers[0].report_misplaced()
    index.refresh(seconds=60)
    assert run.files_with_wrong_contents == {Path(first.path).name}
    assert [reader.has_used_contents for reader in run.readers] == [False, True]
    assert shown(run) == {key: w.png for key, w in second.pictures.items()}
    run.clear()
    index.refresh(seconds=60)
    assert [reader.has_used_contents for reader in run.readers] == [False, True]


def record_of(n: int) -> schema.Record:
    tag = schema.picture_tag("activations", f"conv2d_{n}", "image_0")
    layer = schema.Layer(f"conv2d_{n}", "Conv2D", n, (48, 48, 64))
    return schema.Record("activations", tag, 9, 9, layer=layer)


@pytest.mark.parametrize(("pictures_", "size"), [(1000, 10), (20, 2_000_000)])
def test_a_long_capture_is_written_and_read_in_parts(
    pictures_: int, size: int, tmp_path: Path
) -> None:
    file = event_file.EventFile(str(tmp_path / schema.RUN_NAME))
    most = 0
    for n in range(pictures_):
        png = bytes(size)
        record = record_of(n)
        file.write(7, [summaries.record(record), summaries.image(record.tag, png, 9, 9)])
        most = max(most, file.unwritten)
    file.close()
    assert most < 16 * 1024 * 1024 + 2 * size + 10_000
    (path,) = (tmp_path / schema.RUN_NAME).iterdir()
    found = list(EventReader(str(path)).read())
    assert len(found) > 1
    assert all(isinstance(event, CaptureEvent) for event in found)
    assert expanded(found) == expanded(EventReader(str(path), use_contents=False).read())
    (run,) = index_of(tmp_path).runs.values()
    assert run.pictures == pictures_


def test_contents_are_a_small_part(tmp_path: Path) -> None:
    file = event_file.EventFile(str(tmp_path / schema.RUN_NAME))
    spec = synthetic_logs.Spec(epochs=2, layers=5, images=4, class_maps=2)
    for step, capture in synthetic_logs.captures(spec):
        heavy = [dataclasses.replace(w, png=w.png.ljust(10_000, b"\0")) for w in capture]
        synthetic_logs.write_capture(file, step, heavy)
    file.close()
    (path,) = (tmp_path / schema.RUN_NAME).iterdir()
    frames = frames_of(path.read_bytes())
    assert sum(len(f) for f in frames if is_contents(f)) < 0.015 * path.stat().st_size


def image(tag: str) -> summaries.Value:
    return summaries.image(tag, b"png", 1, 1)


@pytest.mark.parametrize(
    "values",
    [
        lambda r, other: [image(r.tag)],
        lambda r, other: [summaries.record(r)],
        lambda r, other: [summaries.record(r), summaries.scalar("s", 1.0), image(r.tag)],
        lambda r, other: [summaries.record(r), image(other.tag)],
        lambda r, other: [summaries.record(r), summaries.record(other), image(other.tag)],
        lambda r, other: [summaries.scalar("s", 1.0)],
    ],
)
def test_what_contents_can_not_list_has_none(
    values: Callable[..., list[summaries.Value]], tmp_path: Path
) -> None:
    record, other = record_of(0), record_of(1)
    file = event_file.EventFile(str(tmp_path / schema.RUN_NAME))
    for each in (record, other):
        file.write(0, [summaries.record(each), image(each.tag)])
    file.flush()
    file.write(1, values(record, other))
    file.close()
    (path,) = (tmp_path / schema.RUN_NAME).iterdir()
    assert sum(map(is_contents, frames_of(path.read_bytes()))) == 1
    assert state(read_run(tmp_path)) == state(read_run(tmp_path, use_contents=False))


def test_names_too_long_to_be_listed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(capture_table, "MAX_STATIC", 100)
    log = synthetic_logs.write(str(tmp_path), SMALL)
    assert not any(map(is_contents, frames_of(Path(log.path).read_bytes())))
    assert shown(read_run(tmp_path)) == {key: w.png for key, w in log.pictures.items()}


LAYER = {"path": "conv", "class_name": "Conv2D", "index": 0, "shape": [4, 4, 8]}
PICTURE = {
    "tag": "t/conv/image_0", "name": "t", "kind": "channels", "title": "Title", "item": "channel",
    "layer": LAYER, "image_name": "image_0", "image_index": 0, "width": 20, "height": 30,
    "grid": True, "levels": True,
}  # fmt: skip
TABLE = {"name": "t", "epoch": 1, "layers": [LAYER], "measures": {"dead_channels": [0.5]}}


def packed(
    pictures_: list[typing.Any], measures: list[str], rows: list[bytes], **more: typing.Any
) -> tuple[bytes, bytes]:
    """Contents, put together as the module describes them."""
    content = {"moments": [[1, 20, {"loss": 0.5}]], "classes": [[3, "three"]], **more}
    text = json.dumps(content).encode()
    head = struct.pack("<IIQI", 2, len(rows), 1000, len(text))
    static = zlib.compress(json.dumps({"measures": measures, "pictures": pictures_}).encode())
    return static, head + text + b"".join(rows)


def test_contents_as_they_are_described() -> None:
    nan = float("nan")
    rows = [
        struct.pack("<3IB4H4d2d", 5, 100, 200, 5, 0, 1, 0, 1, 9.5, 0.25, nan, 0.75, 0.125, nan),
        struct.pack("<3IB4H4d2d", 400, 10, 20, 0, 0, 0, 0, 0, 9.5, nan, nan, nan, nan, 2.0),
    ]
    plain = {"tag": "u", "name": "u", "layer": {"path": 3}, "kind": "later"}
    table = capture_table.decode(*packed([PICTURE, plain], ["a", "b"], rows, tables=[TABLE]))
    assert table.pictures == (
        capture_table.StaticFields(
            "t/conv/image_0", "t", "channels", "Title", "channel", LAYER, "image_0", 0, 20, 30,
            True, True,
        ),
        capture_table.StaticFields("u", "u", "evidence", "", None, None, None, None, 0, 0,
            False, False),
    )  # fmt: skip
    assert table.rows[0][:9] == (5, 100, 200, 5, 0, 1, 0, 1, 9.5)
    assert (table.rows[0].label_probability, table.rows[0].target_probability) == (0.25, 0.75)
    assert table.rows[0].flags == capture_table.BLANK | capture_table.HAS_HEAT_MAP
    assert [table.measures_of(row) for row in table.rows] == [{"a": 0.125}, {"b": 2.0}]
    assert table.moments == [(1, 20, {"loss": 0.5})]
    assert table.classes == [None, (3, "three")]
    assert table.last == (400 + 16 + 10, 20)
    assert table.size == 1000
    layer = schema.Layer("conv", "Conv2D", 0, (4, 4, 8))
    expected = schema.MeasureTable("t", 1, layers=(layer,), measures={"dead_channels": (0.5,)})
    assert table.tables == (expected,)


def test_contents_of_version_1_as_they_were_described() -> None:
    nan = float("nan")
    text = json.dumps({"moments": [[1, 20, {}]], "classes": []}).encode()
    rows = [
        struct.pack("<3IB4H6d", 5, 100, 200, 0, 0, 0, 0, 0, 9.5, 0.25, 0.5, nan, nan, nan),
        struct.pack("<3IB4H6d", 400, 10, 20, 4, 0, 0, 0, 0, 9.5, nan, nan, nan, nan, nan),
    ]
    changing = struct.pack("<IIQI", 1, 2, 1000, len(text)) + text + b"".join(rows)
    static = [
        {"tag": "a/conv", "technique": "activations", "layer": LAYER, "grid": True, "levels": True},
        {"tag": "hires_cam/conv", "technique": "hires_cam", "layer": LAYER},
    ]
    table = capture_table.decode(zlib.compress(json.dumps(static).encode()), changing)
    assert [(p.name, p.kind, p.title, p.item) for p in table.pictures] == [
        ("activations", "channels", "Activations", "channel"),
        ("hires_cam", "evidence", "HiResCAM", None),
    ]
    assert [table.measures_of(row) for row in table.rows] == [{"blank_channels": 0.5}, {}]
    assert table.rows[1].flags == capture_table.HAS_HEAT_MAP
    layer = schema.Layer("conv", "Conv2D", 0, (4, 4, 8))
    assert table.tables == (
        schema.MeasureTable("activations", 1, 20, (layer,), {"dead_channels": (0.25,)}),
    )


@pytest.mark.parametrize(
    ("changed", "reason"),
    [
        ({"tables": [{**TABLE, "measures": {"m": [1.0, 2.0]}}]}, "2 numbers for 1 layers"),
        ({"tables": {}}, ""),
        ({"tables": 3}, "not iterable"),
        ({"moments": []}, "they refer to what they do not have"),
        ({"classes": [[3]]}, "argument"),
    ],
)
def test_contents_that_contradict_themselves(changed: dict[str, typing.Any], reason: str) -> None:
    row = struct.pack("<3IB4H4d", 0, 1, 1, 0, 0, 0, 0, 0, 9.5, 0.0, 0.0, 0.0)
    contents = packed([PICTURE], [], [row], **changed)
    if not reason:
        assert capture_table.decode(*contents).tables == ()
        return
    with pytest.raises(ValueError, match=f"Not contents of keras_viz: .*{reason}"):
        capture_table.decode(*contents)


def test_a_picture_has_a_number_only_for_its_own_measures() -> None:
    records = [
        schema.Record("t", "t/a", 1, 1, measures={"a": 1.0, "b": None}),
        schema.Record("t", "t/b", 1, 1, measures={"c": 3.0}),
        schema.Record("t", "t/c", 1, 1),
    ]
    placed = [
        capture_table.PlacedEntry(capture_table.entry_of(record, False), 100 * i, 1, 1, 2.0)
        for i, record in enumerate(records)
    ]
    table = capture_table.decode(*capture_table.encode(placed, 1000))
    assert table.measures == ("a", "b", "c")
    assert [table.measures_of(row) for row in table.rows] == [{"a": 1.0}, {"c": 3.0}, {}]


def test_a_bomb_is_not_inflated() -> None:
    static = zlib.compress(b"[" + b" " * 500_000_000 + b"]")
    head = capture_table.CONTENTS_HEAD.pack(capture_table.CONTENTS_VERSION, 1, 0, 0)
    with pytest.raises(ValueError, match="too long"):
        capture_table.decode(static, head)


@given(st.binary(max_size=60), st.binary(max_size=200))
def test_any_bytes_are_refused(static: bytes, changing: bytes) -> None:
    with pytest.raises(ValueError, match="Not contents of keras_viz"):
        capture_table.decode(static, changing)
    with pytest.raises(ValueError, match="Not contents of keras_viz"):
        capture_table.decode(zlib.compress(static), changing)


def test_every_other_log_of_a_run_may_have_none(tmp_path: Path) -> None:
    """As when a training that an older version began is continued with this one."""
    for n, strip in zip(range(4), itertools.cycle([True, False]), strict=False):
        spec = dataclasses.replace(SMALL, first_epoch=2 * n, seed=n)
        path = Path(synthetic_logs.write(str(tmp_path), spec).path)
        if strip:
            path.write_bytes(synthetic_logs.without_contents(path.read_bytes()))
    assert state(read_run(tmp_path)) == state(read_run(tmp_path, use_contents=False))
