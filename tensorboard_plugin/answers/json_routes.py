"""The routes of `HTTP_API.md` that answer with JSON."""

from __future__ import annotations

import dataclasses
import json
import math
import typing
from collections.abc import Callable

from tensorboard_plugin import schema
from tensorboard_plugin.answers import exports, http, json_bodies, pictures
from tensorboard_plugin.answers.http import ApiError, Query, Request, Response
from tensorboard_plugin.answers.lookup import SEE_RUN, SEE_RUNS, Lookup, required_item, shortened
from tensorboard_plugin.index.run_index import Entry, Run, Series
from tensorboard_plugin.log.event_reader import Damaged
from tensorboard_plugin.log.log_source import Gone

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
        return http.json_response(request, json_bodies.runs(self.index))

    def run(self, request: Request) -> Response:
        """One run: steps, layers, images, series."""
        query = Query(request)
        self.index.refresh(query.text("run", SEE_RUNS))
        run = self.find_run(query)
        with self.index.lock:
            content = json_bodies.run(self.index, run)
        return http.json_response(request, content)

    def series(self, request: Request) -> Response:
        """Per-step numbers of chosen series."""
        query = Query(request)
        run = self.find_run(query)
        first, last = query.steps()
        with self.index.lock:
            chosen = self._chosen_series(run, query)
            content = json_bodies.series(self.index, run, chosen, first, last)
        return http.json_response(request, content)

    def health(self, request: Request) -> Response:
        """Layers × steps."""
        query = Query(request)
        run = self.find_run(query)
        measure = query.choice("measure", ("dead", "change")) or "dead"
        technique, image = query.optional("technique"), query.optional("image")
        first, last = query.steps()
        every = query.integer("every", 1, 10_000) or 1
        with self.index.lock:
            rows, shown = self._health_rows(run, technique, image, measure)
            steps = sorted({step for s in rows for step in s.step[s.between(first, last)]})[::every]
        if measure == "dead" and image is not None and shown is not None:
            measure = "blank"
        content = json_bodies.health(self.index, run, rows, measure, shown, steps)
        return http.json_response(request, content)

    def metrics(self, request: Request) -> Response:
        """Keras' logs per step."""
        query = Query(request)
        run = self.find_run(query)
        first, last = query.steps()
        with self.index.lock:
            content = json_bodies.metrics(self.index, run, first, last)
        return http.json_response(request, content)

    def record(self, request: Request) -> Response:
        """Everything that is known of one picture."""
        chosen = self.find_picture(Query(request))
        data = pictures.read(chosen.entry)
        try:
            content, heat_map = pictures.read_record(chosen.entry)
        except Damaged:
            if chosen.entry.reader.is_doubted:  # it may stand elsewhere
                raise
            content, heat_map = None, None
        answer = {
            "run": chosen.run.name,
            "tag": chosen.series.tag,
            "step": chosen.step,
            "v": chosen.stamp,
            "wall_time": json_bodies.number(chosen.entry.wall_time),
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
        every = query.integer("every", 1, 1_000_000)
        with self.index.lock:
            s = self.find_series(run, query.text("tag", SEE_RUN))
            places = range(len(s.step))[s.between(first, last)]
            places = places[:: every or max(1, math.ceil(len(places) / MOST_RECORDS))]
            if len(places) > 10 * MOST_RECORDS:
                raise http.bad("every", "must pick at most 10000 steps", str(every), "Raise it.")
            entries = [(s.step[i], run.entry(s, i)) for i in places]
            token = self.index.token(run)
        columns = _channel_columns(entries, item)
        if columns is None:
            raise ApiError(
                404, "unknown_item", f"No step has a cell of channel {item}. See `record`.", "item"
            )
        content = {"token": token, "item": item, "step": [step for step, _ in entries], **columns}
        return http.json_response(request, content)

    def _chosen_series(self, run: Run, query: Query) -> list[Series]:
        tags = query.texts("tag", MOST_SERIES)
        if tags:
            return [self.find_series(run, tag) for tag in tags]
        technique = query.text("technique", "Pass it, or `tag`.")
        layer, image = query.optional("layer"), query.optional("image")
        found = self._of_technique(run, technique)
        if layer is not None:
            found = [s for s in found if s.facts.layer and s.facts.layer["path"] == layer]
            _require(found, "layer", layer)
        if image is not None:
            found = [s for s in found if s.facts.image_name == image]
            _require(found, "image", image)
        return found[:MOST_SERIES]

    def _of_technique(self, run: Run, technique: str) -> list[Series]:
        found = [s for s in json_bodies.ordered_series(run) if s.facts.name == technique]
        _require(found, "technique", technique)
        return found

    def _health_rows(
        self, run: Run, technique: str | None, image: str | None, measure: str
    ) -> tuple[list[Series], str | None]:
        """One series a layer, and the name of the image that they show."""
        if technique is None:
            with_layers = [s.facts.name for s in run.series.values() if s.facts.layer]
            if not with_layers:
                return [], None
            technique = next(t for t in run.techniques if t in with_layers)
        found = [s for s in self._of_technique(run, technique) if s.facts.layer is not None]
        if image is not None and any(s.facts.image_name is not None for s in found):
            found = [s for s in found if s.facts.image_name == image]
            _require(found, "image", image)
        rows: dict[str, Series] = {}
        for s in found:
            assert s.facts.layer is not None
            rows.setdefault(s.facts.layer["path"], s)
        chosen = list(rows.values())
        if measure == "dead" and image is None:
            return chosen, None
        return chosen, chosen[0].facts.image_name if chosen else None


def _require(found: list[Series], parameter: str, value: str) -> None:
    if not found:
        raise ApiError(
            404,
            f"unknown_{parameter}",
            f"The run has no pictures of the {parameter} `{shortened(value)}`. {SEE_RUN}",
            parameter,
        )


def _channel_columns(
    entries: list[tuple[int, Entry]], item: int
) -> dict[str, list[float | None] | None] | None:
    names = [f.name for f in dataclasses.fields(schema.ChannelStatistics)]
    columns: dict[str, list[float | None]] = {name: [] for name in names}
    found = False
    for _, entry in entries:
        data: bytes | None = None
        try:
            data, _ = pictures.read_record(entry)
            content = {} if data is None else json.loads(data)
            place = content["grid"]["items"].index(item)
            statistics = content.get("statistics", {})
            found = True
        except (Gone, Damaged, ValueError, KeyError, TypeError, AttributeError):
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
