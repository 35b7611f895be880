"""Links that lead out of the log directory, and unusual names, under the tab."""

from __future__ import annotations

import contextlib
import dataclasses
import json
import os
import re
import shutil
import typing
from collections.abc import Callable, Iterator
from pathlib import Path
from unittest import mock

from keras_viz_callbacks.summary import event_file
from tensorboard_plugin import schema
from tensorboard_plugin.index import log_index as index_module
from tests.helpers import synthetic_logs
from tests.helpers.faults.fault import fault
from tests.helpers.tab_api import Api

SPEC = synthetic_logs.Spec(epochs=2, layers=2, images=2, channels=2, cell=4, size=8)
RUN = f"run/{schema.RUN_NAME}"
SECRET = b"what lies outside of the log directory"


def _link_of_a_file(inside: Path, outside: synthetic_logs.Log, secret: Path) -> None:
    (inside / RUN).mkdir(parents=True)
    (inside / RUN / Path(outside.path).name).symlink_to(outside.path)


def _link_to_no_event_file(inside: Path, outside: synthetic_logs.Log, secret: Path) -> None:
    (inside / RUN).mkdir(parents=True)
    (inside / RUN / "events.out.tfevents.1.passwd").symlink_to(secret)


def _link_of_a_run(inside: Path, outside: synthetic_logs.Log, secret: Path) -> None:
    (inside / "run").mkdir(parents=True)
    (inside / RUN).symlink_to(outside.directory)


def _link_above_a_run(inside: Path, outside: synthetic_logs.Log, secret: Path) -> None:
    inside.mkdir()
    (inside / "run").symlink_to(Path(outside.directory).parent)


def _link_round_about(inside: Path, outside: synthetic_logs.Log, secret: Path) -> None:
    (inside / "run").mkdir(parents=True)
    (inside / "run" / "again").symlink_to(inside)


def _file_becomes_a_link(inside: Path, outside: synthetic_logs.Log, secret: Path) -> None:
    (path,) = (inside / RUN).iterdir()
    path.unlink()
    path.symlink_to(outside.path)


def _file_becomes_a_link_to_no_event_file(
    inside: Path, outside: synthetic_logs.Log, secret: Path
) -> None:
    (path,) = (inside / RUN).iterdir()
    path.unlink()
    path.symlink_to(secret)


def _run_becomes_a_link(inside: Path, outside: synthetic_logs.Log, secret: Path) -> None:
    shutil.rmtree(inside / RUN)
    (inside / RUN).symlink_to(outside.directory)


def _directory_becomes_a_link(inside: Path, outside: synthetic_logs.Log, secret: Path) -> None:
    shutil.rmtree(inside / "run")
    (inside / "run").symlink_to(Path(outside.directory).parent)


Link = Callable[[Path, synthetic_logs.Log, Path], None]
BEFORE: tuple[Link, ...] = (
    _link_of_a_file,
    _link_to_no_event_file,
    _link_of_a_run,
    _link_above_a_run,
    _link_round_about,
)
WHILE: tuple[Link, ...] = (
    _file_becomes_a_link,
    _file_becomes_a_link_to_no_event_file,
    _run_becomes_a_link,
    _directory_becomes_a_link,
)


@fault(
    "Symbolic links out of the log directory: files and directories, there from the beginning or "
    "put in the place of what was being shown",
    checked="nothing of what they lead to is listed, shown or opened",
    seen="no pictures; “The file was deleted or replaced a moment ago”",
    times=2 * len(BEFORE + WHILE),
    tested=len(BEFORE + WHILE),
)
def links(directory: Path, number: int) -> str:
    link = (BEFORE + WHILE)[number % len(BEFORE + WHILE)]
    inside, secret = directory / "logs", directory / "passwd"
    outside = synthetic_logs.write(str(directory / "outside"), dataclasses.replace(SPEC, seed=1))
    secret.write_bytes(SECRET)
    tag = outside.tags[0]
    if link in WHILE:
        synthetic_logs.write(str(inside / "run"), SPEC)
        # The tree is not searched again meanwhile: what opens a file has to notice.
        with _looking(walk_every=3600.0):
            api = Api(str(inside))
            api.settled()
            assert api.get("picture", run=RUN, tag=tag, step=0).status_code == 200
            link(inside, outside, secret)
            _nothing_is_shown(api, tag)
    else:
        link(inside, outside, secret)
    with _looking(walk_every=0.0):
        api = Api(str(inside))
        _nothing_is_shown(api, tag)
        assert all(run["pictures"] == 0 for run in api.settled()["runs"])
    return link.__name__.strip("_").replace("_", " ")


@contextlib.contextmanager
def _looking(walk_every: float) -> Iterator[None]:
    """The index looks at the known files at every request, and for new ones so often."""
    with (
        mock.patch.object(index_module, "LOOK_EVERY", 0.0),
        mock.patch.object(index_module, "WALK_EVERY", walk_every),
    ):
        yield


def _nothing_is_shown(api: Api, tag: str) -> None:
    for _ in range(3):
        for run in api.json("runs")["runs"]:
            assert run["pictures"] == 0
            content = api.get("run", run=run["run"])
            assert content.get_json()["series"] == []
            assert SECRET not in content.data
        for route in ("picture", "record", "thumbnail"):
            answer = api.get(route, run=RUN, tag=tag, step=0)
            assert answer.status_code in (404, 410), (route, answer.data[:200])
            assert "error" in answer.get_json()


NAMES = {
    "markup": '<img src=x onerror="parent.hacked=1"></script><b>&amp;\'',
    "slashes": "a/b//c\\d/../e",
    "lines": "one\ntwo\r\nthree\tfour\u2028five",
    "controls": "a\x01b\x1b[31mc\x7f",
    "nul": "a\0b",
    "address": "a?b=c&d#e %2f%00 +",
    "right to left": "abc \u202e\u05d0\u05d1\u05d2 \u0627\u0644\u0639",
    "combining": "e" + "\u0301" * 60 + "\u200d\ufeff",
    "emoji": "\U0001f469\u200d\U0001f52c \U0001f1e9\U0001f1ea",
    "surrogate": "a\udc80b\ud800c",
    "json": '"},{"a":[1]}\\u0041\\',
    "statistics": ',"statistics":{"a":1},"grid":{',
    "long": "x" * 10_000,
    "long words": "name " * 2_000,
    "blank": " ",
    "dots": "..",
}


@fault(
    "Names of runs, layers, images, classes, metrics and tags with markup, slashes, line ends, "
    "Unicode and 10,000 characters",
    checked="each name comes back as it is in escaped JSON, and its pictures by it; file names of "
    "downloads and header lines hold none of it; a message shows at most 100 characters of it",
    seen="the name as text (tests/browser/test_names.py: on the page)",
    times=len(NAMES),
    tested=len(NAMES),
)
def names(directory: Path, number: int) -> str:
    kind, name = list(NAMES.items())[number % len(NAMES)]
    run_name = as_run(name)
    written = write_named(directory / run_name, name)
    shown = name.encode(errors="replace").decode()
    api = Api(str(directory))
    (run,) = api.settled()["runs"]
    assert run["name"] == os.fsencode(run_name).decode(errors="replace")
    answer = _json(api, "run", run=run["run"])
    assert {layer["path"] for layer in answer["layers"]} == {f"{shown}{i}" for i in range(2)}
    assert {image["name"] for image in answer["images"]} == {f"{shown}{i}" for i in range(2)}
    assert {s["tag"] for s in answer["series"]} == {tag for tag, _ in written}
    classes = _json(api, "series", run=run["run"], name="grad_cam")["classes"]
    assert all(text.endswith(shown) for text in classes.values())
    assert list(_json(api, "metrics", run=run["run"])["metrics"]) == [shown]
    for (tag, step), png in written.items():
        query = {"run": run["run"], "tag": tag}
        answered = api.get("picture", **query, step=step, download=1)
        assert answered.data == png
        _check_headers(answered)
        record = _json(api, "record", **query, step=step)
        assert (record["tag"], record["record"]["note"]) == (tag, shown)
        assert re.fullmatch(r"[\w.+=-]{1,230}", record["file_name"])
    for route in ("export.gif", "export.zip"):
        _check_headers(api.get(route, run=run["run"], tag=answer["series"][0]["tag"]))
    for parameter in ("run", "tag"):
        query = {"run": run["run"], "tag": "none", "step": 0, parameter: f"unknown {shown}"}
        answered = api.get("picture", **query)
        assert answered.status_code == 404
        assert answered.headers["Content-Type"] == "application/json; charset=utf-8"
        message = answered.get_json()["error"]["message"]
        assert f"unknown {shown}"[:100] in message
        assert len(message) < 250
    return kind


def as_run(name: str) -> str:
    """The name as a path below the log directory, or the next best that a file system takes."""
    parts = name.replace("\0", "").replace("\ud800", "").split("/")
    short = [part[i : i + 150] for part in parts for i in range(0, len(part), 150)][:20]
    return "/".join(part for part in short if part not in ("", ".", "..")) or "run"


def write_named(directory: Path, name: str) -> dict[tuple[str, int], bytes]:
    """A log in which everything has that name; its pictures by tag and step."""
    file = event_file.EventFile(str(directory / schema.RUN_NAME))
    written = {}
    for step, capture in synthetic_logs.captures(SPEC):
        named = [_named(drawn, name) for drawn in capture]
        synthetic_logs.write_capture(file, step, named)
        written.update(
            {(w.record.tag.encode(errors="replace").decode(), step): w.png for w in named}
        )
    file.close()
    return written


def _named(drawn: synthetic_logs.Written, name: str) -> synthetic_logs.Written:
    record = drawn.record
    layer, image = record.layer, None
    if layer is not None:
        layer = dataclasses.replace(layer, path=f"{name}{layer.index}")
    if record.image_name is not None:
        image = f"{name}{record.image_index}"
    scores = {
        field: dataclasses.replace(score, name=f"{score.index} {name}")
        for field in ("label", "prediction", "target")
        if (score := getattr(record, field)) is not None
    }
    record = dataclasses.replace(
        record,
        tag=schema.picture_tag(record.name, layer and layer.path, image),
        layer=layer,
        image_name=image,
        note=name,
        metrics={name: 0.5} if record.metrics else {},
        **scores,
    )
    return dataclasses.replace(drawn, record=record)


def _json(api: Api, route: str, **query: typing.Any) -> typing.Any:
    answer = api.get(route, **query)
    assert answer.status_code == 200, answer.data[:300]
    assert answer.headers["Content-Type"] == "application/json; charset=utf-8"
    return json.loads(answer.data.decode())


def _check_headers(answer: typing.Any) -> None:
    assert answer.status_code == 200
    for key, value in answer.headers.items():
        assert re.fullmatch(r"[\x20-\x7e]*", value), (key, value)
    assert re.fullmatch(
        r"attachment; filename=\"[\w.+=-]{1,230}\"; filename\*=UTF-8''[\w.%+-]{1,2200}",
        answer.headers["Content-Disposition"],
    )
