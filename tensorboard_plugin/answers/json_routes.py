"""The routes of `HTTP_API.md` that answer with JSON."""

from __future__ import annotations

import dataclasses
import json
import math
import typing
from collections.abc import Callable

from tensorboard_plugin import schema
from tensorboard_plugin.answers import exports, health, http, json_bodies, pictures
from tensorboard_plugin.answers.http import ApiError, Query, Request, Response
from tensorboard_plugin.answers.lookup import SEE_RUN, SEE_RUNS, Lookup, require, required_item
from tensorboard_plugin.index.picture_series import PictureLocation, PictureSeries
from tensorboard_plugin.index.run_index import RunIndex
from tensorboard_plugin.log.log_errors import Damaged, LogError

MOST_SERIES = 256
MOST_RECORDS = 1000


class JsonRoutes(Lookup):
    """What the log holds, and the numbers in it."""

    def table(self) -> dict[str, Callable[[Request], Response]]:
        """Route to function."""
        return {
            "/runs": self.runs,
            "/run": self.run,
            "/series": self.series,
            "/health": self.health,
            "/metrics": self.metrics,
            "/record": self.record,
            "/channel": self.channel,
        }

    def runs(self, request: Request) -> Response:
        """Every run, for polling."""
        self.index.refresh()
        return http.json_response(request, json_bodies.runs_body(self.index))

    def run(self, request: Request) -> Response:
        """One run: steps, layers, images, series."""
        query = Query(request)
        self.index.refresh(query.text("run", SEE_RUNS))
        run = self.find_run(query)
        with self.index.lock:
            content = json_bodies.run_body(self.index, run)
        return http.json_response(request, content)

    def series(self, request: Request) -> Response:
        """Per-step numbers of chosen series."""
        query = Query(request)
        run = self.find_run(query)
        first, last = query.steps()
        with self.index.lock:
            chosen = self._chosen_series(run, query)
            content = json_bodies.series_body(self.index, run, chosen, first, last)
        return http.json_response(request, content)

    def health(self, request: Request) -> Response:
        """Layers × steps."""
        query = Query(request)
        run = self.find_run(query)
        measure = query.optional("measure")
        name, image = query.optional("name"), query.optional("image")
        first, last = query.steps()
        every = query.integer("every", 1, 10_000, default=1)
        if measure is None:
            measure = health.DEFAULT_MEASURE
        with self.index.lock:
            table = health.table_of(run, measure, name, image)
            steps = table.steps(first, last, every)
        content = health.health_body(self.index, run, table, steps)
        return http.json_response(request, content)

    def metrics(self, request: Request) -> Response:
        """Keras' logs per step."""
        query = Query(request)
        run = self.find_run(query)
        first, last = query.steps()
        with self.index.lock:
            content = json_bodies.metrics_body(self.index, run, first, last)
        return http.json_response(request, content)

    def record(self, request: Request) -> Response:
        """Everything that is known of one picture."""
        chosen = self.find_picture(Query(request))
        data = pictures.read(chosen.location)
        try:
            content, heat_map = pictures.read_record(chosen.location)
        except Damaged:
            if chosen.location.reader.contents_are_wrong:  # it may lie elsewhere
                raise
            content, heat_map = None, None
        answer = {
            "run": chosen.run.name,
            "tag": chosen.series.tag,
            "step": chosen.step,
            "v": chosen.stamp,
            "wall_time": json_bodies.finite_or_none(chosen.location.wall_time),
            "file_name": f"{chosen.stem()}.{exports.extension_of(data)}",
            "picture": {"bytes": len(data), "content_type": pictures.content_type(data)},
            "heat_map": heat_map is not None,
            "record": None if content is None else _full_record(content),
        }
        return http.json_response(request, answer, chosen.cache)

    def channel(self, request: Request) -> Response:
        """One channel's statistics through the steps."""
        query = Query(request)
        run = self.find_run(query)
        item = required_item(query)
        first, last = query.steps()
        with self.index.lock:
            s = self.find_series(run, query.text("tag", SEE_RUN))
            places = range(len(s.step))[s.between(first, last)]
            usual = max(1, math.ceil(len(places) / MOST_RECORDS))
            every = query.integer("every", 1, 1_000_000, default=usual)
            places = places[::every]
            if len(places) > 10 * MOST_RECORDS:
                raise http.bad("every", "must pick at most 10000 steps", str(every), "Raise it.")
            locations = [run.location(s, i) for i in places]
            token = self.index.token(run)
        columns = _channel_columns(locations, item)
        if columns is None:
            raise ApiError(
                404, "unknown_item", f"No step has a cell of channel {item}. See `record`.", "item"
            )
        content = {
            "token": token,
            "item": item,
            "step": [each.step for each in locations],
            **columns,
        }
        return http.json_response(request, content)

    def _chosen_series(self, run: RunIndex, query: Query) -> list[PictureSeries]:
        tags = query.texts("tag", MOST_SERIES)
        if tags:
            return [self.find_series(run, tag) for tag in tags]
        name = query.text("name", "Pass it, or `tag`.")
        layer, image = query.optional("layer"), query.optional("image")
        found = [s for s in run.ordered_series if s.static.name == name]
        require(found, "name", name)
        if layer is not None:
            found = [s for s in found if s.layer_path == layer]
            require(found, "layer", layer)
        if image is not None:
            found = [s for s in found if s.static.image_name == image]
            require(found, "image", image)
        return found[:MOST_SERIES]


def _channel_columns(
    locations: list[PictureLocation], item: int
) -> dict[str, list[float | None] | None] | None:
    names = [f.name for f in dataclasses.fields(schema.ChannelStatistics)]
    columns: dict[str, list[float | None]] = {name: [] for name in names}
    found = False
    for location in locations:
        data: bytes | None = None
        try:
            data, _ = pictures.read_record(location)
            content = {} if data is None else json.loads(data)
            place = content["grid"]["items"].index(item)
            statistics = content.get("statistics", {})
            found = True
        except (LogError, ValueError, KeyError, TypeError, AttributeError):
            place, statistics = 0, {}
        for name, column in columns.items():
            values = statistics.get(name, ())
            column.append(values[place] if place < len(values) else None)
    if not found:
        return None
    return {n: c if any(v is not None for v in c) else None for n, c in columns.items()}


def _full_record(data: bytes) -> dict[str, typing.Any]:
    try:
        return dataclasses.asdict(schema.decode_record(data))
    except ValueError as error:
        raise Damaged(str(error)) from error
