"""The routes of `HTTP_API.md` that answer with pictures, and the exports."""

from __future__ import annotations

import functools
import math
import typing
from collections.abc import Callable, Iterator

from tensorboard_plugin import schema
from tensorboard_plugin.answers import exports, http, pictures
from tensorboard_plugin.answers.http import ApiError, Query, Request, Response
from tensorboard_plugin.answers.lookup import (
    SEE_RUN,
    Chosen,
    Lookup,
    required_item,
    run_stem,
    stem_of,
)
from tensorboard_plugin.index.log_index import LogIndex
from tensorboard_plugin.index.picture_series import PictureLocation, PictureSeries
from tensorboard_plugin.index.run_index import RunIndex
from tensorboard_plugin.log.byte_cache import ByteCache
from tensorboard_plugin.log.log_errors import Damaged, LogError

MOST_SERIES = 256
MOST_FRAMES = 1000
USUAL_FRAMES = 300
MOST_ZIPPED = 20_000
_CACHE_BYTES = 16 * 1024 * 1024


class PictureRoutes(Lookup):
    """Pictures as they were written, made small, cut and put together."""

    def __init__(self, index: LogIndex) -> None:
        super().__init__(index)
        self._cache = ByteCache(_CACHE_BYTES)

    def table(self) -> dict[str, Callable[[Request], Response]]:
        """Route to function."""
        return {
            "/picture": self.picture,
            "/thumbnail": self.thumbnail,
            "/cell": self.cell,
            "/levels": self.levels,
            "/heat_map": self.heat_map,
            "/export.gif": self.export_gif,
            "/export.zip": self.export_zip,
        }

    def picture(self, request: Request) -> Response:
        """As it was written."""
        query = Query(request)
        download = query.choice("download", ("1",))
        chosen = self.find_picture(query)
        data = pictures.read(chosen.location)
        kind = pictures.content_type(data)
        name = None
        if download or kind == "application/octet-stream":
            name = f"{chosen.stem()}.{exports.extension_of(data)}"
        return http.body_response(request, data, kind, chosen.cache, name)

    def thumbnail(self, request: Request) -> Response:
        """Made small."""
        query = Query(request)
        size = query.integer("size", 8, 512, default=128)
        chosen = self.find_picture(query)
        data = self._kept(chosen, ("thumbnail", size), lambda raw: pictures.thumbnail(raw, size))
        return http.body_response(request, data, "image/png", chosen.cache)

    def cell(self, request: Request) -> Response:
        """One channel or filter out of a grid."""
        query = Query(request)
        item = required_item(query)
        size = query.integer("size", 8, 1024)
        download = query.choice("download", ("1",))
        chosen = self.find_picture(query)
        grid = _grid_of(chosen.location)
        place = _place_of(grid, item)
        data = self._kept(
            chosen, ("cell", item, size), lambda raw: pictures.cell(raw, grid, place, size)
        )
        name = f"{chosen.stem(f'channel{item}')}.png" if download else None
        return http.body_response(request, data, "image/png", chosen.cache, name)

    def levels(self, request: Request) -> Response:
        """A grid's palette entries as grey levels."""
        chosen = self.find_picture(Query(request))
        data = None
        if chosen.series.static.has_levels:
            data = pictures.levels(pictures.read(chosen.location))
        if data is None:
            raise ApiError(404, "no_levels", "This picture has no values under its colours.", "tag")
        return http.body_response(request, data, "image/png", chosen.cache)

    def heat_map(self, request: Request) -> Response:
        """The raw class activation map."""
        query = Query(request)
        bits = query.choice("bits", ("8", "16"))
        chosen = self.find_picture(query)
        data = pictures.read_record(chosen.location)[1] if chosen.location.has_heat_map else None
        if data is None:
            raise ApiError(404, "no_heat_map", "This picture has no class activation map.", "tag")
        if bits == "8":
            data = pictures.eight_bits(data)
        return http.body_response(request, data, "image/png", chosen.cache)

    def export_gif(self, request: Request) -> Response:
        """A series as animation."""
        query = Query(request)
        run = self.find_run(query)
        size = query.integer("size", 8, 1024, default=512)
        duration = query.integer("duration", 20, 10_000, default=250)
        item = required_item(query) if query.has("item") else None
        first, last = query.steps()
        with self.index.lock:
            s = self.find_series(run, query.text("tag", SEE_RUN))
            places = range(len(s.step))[s.between(first, last)]
            usual = max(1, math.ceil(len(places) / USUAL_FRAMES))
            every = query.integer("every", 1, 1_000_000, default=usual)
            locations = [run.location(s, i) for i in places[::every]]
        if not locations:
            raise _no_steps(s, first, last)
        if len(locations) > MOST_FRAMES:
            raise http.bad(
                "every",
                f"must pick at most {MOST_FRAMES} frames, not {len(locations)}",
                str(every),
                f"Pass every={math.ceil(len(locations) * every / MOST_FRAMES)} or more, "
                "or fewer steps by `first` and `last`.",
            )
        if item is not None:
            _place_of(_grid_of(locations[-1]), item)
        frames = _frames(locations, size, item)
        name = stem_of(run, s, *([] if item is None else [f"channel{item}"]))
        return http.stream_response(exports.gif(frames, duration), "image/gif", f"{name}.gif")

    def export_zip(self, request: Request) -> Response:
        """Series as PNGs."""
        query = Query(request)
        run = self.find_run(query)
        first, last = query.steps()
        every = query.integer("every", 1, 1_000_000, default=1)
        tags = query.texts("tag", MOST_SERIES)
        if not tags:
            query.text("tag", SEE_RUN)
        with self.index.lock:
            chosen = [self.find_series(run, tag) for tag in tags]
            spans = [range(len(s.step))[s.between(first, last)][::every] for s in chosen]
        count = sum(len(span) for span in spans)
        if count == 0:
            raise _no_steps(chosen[0], first, last)
        if count > MOST_ZIPPED:
            raise http.bad(
                "every",
                f"must pick at most {MOST_ZIPPED} pictures, not {count}",
                str(every),
                f"Pass every={math.ceil(count * every / MOST_ZIPPED)}, or fewer tags or steps.",
            )
        steps = [[s.step[i] for i in span] for s, span in zip(chosen, spans, strict=True)]
        name = (
            stem_of(run, chosen[0]) if len(chosen) == 1 else exports.stem(run_stem(run), "pictures")
        )
        chunks = exports.zip_of(self._zipped(run, chosen, steps))
        return http.stream_response(chunks, "application/zip", f"{name}.zip")

    def _zipped(
        self, run: RunIndex, chosen: list[PictureSeries], steps: list[list[int]]
    ) -> Iterator[tuple[str, Callable[[], bytes] | str]]:
        for s, numbers in zip(chosen, steps, strict=True):
            for step in numbers:
                stem = f"{stem_of(run, s)}-step{step}"
                with self.index.lock:
                    i = s.find(step)
                    location = None
                    if i is not None and run.series.get(s.tag) is s:
                        location = run.location(s, i)
                if location is None:
                    yield stem, "the file was deleted or replaced meanwhile"
                else:
                    yield stem, functools.partial(pictures.read, location)

    def _kept(
        self, chosen: Chosen, what: tuple[typing.Any, ...], make: Callable[[bytes], bytes]
    ) -> bytes:
        location = chosen.location
        key = (location.reader.key, location.offset, chosen.run.name, *what)
        return self._cache.get(key, lambda: make(pictures.read(location)))


def _grid_of(location: PictureLocation) -> schema.Grid:
    data, _ = pictures.read_record(location)
    if data is not None:
        try:
            record = schema.decode_record(data)
        except ValueError as error:
            raise Damaged(str(error)) from error
        if record.grid is not None:
            return record.grid
    raise ApiError(404, "no_grid", "This picture is no grid of channels or filters.", "tag")


def _place_of(grid: schema.Grid, item: int) -> int:
    if item not in grid.items:
        raise ApiError(
            404,
            "unknown_item",
            f"The grid has no cell of {item}. `record.grid.items` lists them.",
            "item",
        )
    return grid.items.index(item)


def _frames(locations: list[PictureLocation], size: int, item: int | None) -> Iterator[typing.Any]:
    for location in locations:
        try:
            image = pictures.decode(pictures.read(location))
            if item is not None:
                grid = _grid_of(location)
                data = pictures.cell(pictures.encode(image), grid, _place_of(grid, item), size)
                image = pictures.decode(data)
            yield pictures.shrink(image, size)
        except (LogError, ApiError):
            continue


def _no_steps(s: PictureSeries, first: int | None, last: int | None) -> ApiError:
    return ApiError(
        404,
        "unknown_step",
        f"No step lies between {first} and {last}: the series goes from {s.step[0]} "
        f"to {s.step[-1]}.",
        "last" if first is None else "first",
    )
