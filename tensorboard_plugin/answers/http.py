"""Parameters in, responses out: what every route does the same way. `HTTP_API.md` has the rules."""

from __future__ import annotations

import gzip
import hashlib
import json
import math
import re
import typing
import urllib.parse
from collections.abc import Iterable

from werkzeug import wrappers

Response = typing.Any
Request = typing.Any

FOREVER = "private, max-age=31536000, immutable"
REVALIDATE = "no-cache"
NEVER = "no-store"

_WHOLE_NUMBER = re.compile(r"-?[0-9]{1,18}")


class _Response(wrappers.Response):  # type: ignore[misc]
    def get_wsgi_headers(self, environ: typing.Any) -> typing.Any:
        headers = super().get_wsgi_headers(environ)
        # Werkzeug takes it off a 304, and TensorBoard logs a warning for every answer without it.
        headers.setdefault("Content-Type", self.full_content_type)
        return headers


class ApiError(Exception):
    """An answer that is not what was asked for.

    Args:
        status: Status code of HTTP.
        code: One of the codes of `HTTP_API.md`.
        message: What is wrong, what was received and what to do, in words for users.
        parameter: The parameter that is wrong.
    """

    def __init__(self, status: int, code: str, message: str, parameter: str | None = None) -> None:
        super().__init__(message)
        self.status = status
        self.code = code
        self.message = message
        self.parameter = parameter


class Query:
    """The parameters of one request, checked as they are taken."""

    def __init__(self, request: Request) -> None:
        self._values = request.args

    def has(self, name: str) -> bool:
        """Whether it was given at all."""
        return name in self._values

    def optional(self, name: str) -> str | None:
        """Any text that is not empty, or None."""
        values = self._values.getlist(name)
        if len(values) > 1:
            raise ApiError(
                400, "bad_parameter", f"`{name}` was given {len(values)} times. Give it once.", name
            )
        if values and not values[0]:
            raise bad(name, "must not be empty", "", "Leave it out, or give it a value.")
        return values[0] if values else None

    def text(self, name: str, way_out: str) -> str:
        """Any text that is not empty."""
        value = self.optional(name)
        if value is None:
            raise ApiError(
                400, "bad_parameter", f"`{name}` is required and is missing. {way_out}", name
            )
        return value

    def texts(self, name: str, most: int) -> list[str]:
        """Texts of a repeatable parameter, each once."""
        values = list(dict.fromkeys(self._values.getlist(name)))
        if len(values) > most:
            raise ApiError(
                400,
                "bad_parameter",
                f"`{name}` may be given at most {most} times. Received: {len(values)}. "
                "Ask in several requests.",
                name,
            )
        if "" in values:
            raise bad(name, "must not be empty", "", "Leave it out, or give it a value.")
        return values

    @typing.overload
    def integer(self, name: str, low: int, high: int) -> int | None: ...
    @typing.overload
    def integer(self, name: str, low: int, high: int, default: int) -> int: ...
    def integer(self, name: str, low: int, high: int, default: int | None = None) -> int | None:
        """A whole number in that range, or the default where it was not given."""
        value = self.optional(name)
        if value is None:
            return default
        if not _WHOLE_NUMBER.fullmatch(value) or not low <= int(value) <= high:
            raise bad(
                name,
                f"must be a whole number from {low} to {high}",
                value,
                "Leave it out for the default." if name != "step" else "`run` lists the steps.",
            )
        return int(value)

    def step(self, name: str) -> int | None:
        """A training step, or None where it was not given."""
        value = self.optional(name)
        if value is None:
            return None
        if not _WHOLE_NUMBER.fullmatch(value):
            raise bad(name, "must be a whole number", value, "`run` lists the steps.")
        return int(value)

    def steps(self) -> tuple[int | None, int | None]:
        """``first`` and ``last``."""
        first, last = self.step("first"), self.step("last")
        if first is not None and last is not None and first > last:
            raise bad(
                "first", f"must not be after `last`, which is {last}", str(first), "Swap them."
            )
        return first, last

    def choice(self, name: str, choices: tuple[str, ...]) -> str | None:
        """One of these texts, or None where it was not given."""
        value = self.optional(name)
        if value is not None and value not in choices:
            listed = " or ".join(f"`{choice}`" for choice in choices)
            raise bad(name, f"must be {listed}", value, "Leave it out for the default.")
        return value


def bad(name: str, rule: str, received: str, way_out: str) -> ApiError:
    """The error of a parameter that breaks its rule."""
    shown = received if len(received) <= 100 else received[:100] + "…"
    message = f"`{name}` {rule}. Received: {name}={shown}. {way_out}"
    return ApiError(400, "bad_parameter", message, name)


def json_response(request: Request, content: typing.Any, cache: str = REVALIDATE) -> Response:
    """JSON with an ETag, gzipped where that is accepted and saves enough."""
    return body_response(request, dump(content), "application/json; charset=utf-8", cache)


def dump(content: typing.Any) -> bytes:
    """As JSON. A lone surrogate in a name is no UTF-8 and is written as ``?``."""
    try:
        text = json.dumps(content, ensure_ascii=False, allow_nan=False, separators=(",", ":"))
    except ValueError:  # a number such as 1e999 in a damaged record
        return dump(_finite(content))
    return text.encode(errors="replace")


def _finite(content: typing.Any) -> typing.Any:
    if isinstance(content, dict):
        return {key: _finite(value) for key, value in content.items()}
    if isinstance(content, list | tuple):
        return [_finite(value) for value in content]
    return None if isinstance(content, float) and not math.isfinite(content) else content


def body_response(
    request: Request,
    body: bytes,
    content_type: str,
    cache: str,
    file_name: str | None = None,
) -> Response:
    """Bytes with an ETag; 304 where the browser has them."""
    etag = hashlib.blake2s(body, digest_size=12).hexdigest()
    headers = _headers(content_type, cache, file_name)
    is_text = content_type.startswith(("application/json", "text/"))
    if is_text:
        headers["Vary"] = "Accept-Encoding"
        if len(body) > 1024 and "gzip" in request.headers.get("Accept-Encoding", ""):
            body = gzip.compress(body, 4, mtime=0)
            headers["Content-Encoding"] = "gzip"
            etag += "-gzip"
    response = _Response(body, headers=headers)
    response.full_content_type = content_type
    response.set_etag(etag)
    return response.make_conditional(request.environ)


def stream_response(chunks: Iterable[bytes], content_type: str, file_name: str) -> Response:
    """A download that is made while it is sent."""
    return wrappers.Response(chunks, headers=_headers(content_type, NEVER, file_name))


def error_response(error: ApiError) -> Response:
    """The one shape of errors."""
    content = {"code": error.code, "parameter": error.parameter, "message": error.message}
    headers = _headers("application/json; charset=utf-8", NEVER, None)
    if error.status == 405:
        headers["Allow"] = "GET, HEAD"
    return wrappers.Response(dump({"error": content}), status=error.status, headers=headers)


def _headers(content_type: str, cache: str, file_name: str | None) -> dict[str, str]:
    headers = {
        "Content-Type": content_type,
        "Cache-Control": cache,
        "X-Content-Type-Options": "nosniff",
    }
    if file_name is not None:
        plain = file_name.encode("ascii", "replace").decode().replace("?", "_").replace('"', "_")
        quoted = urllib.parse.quote(file_name, safe="")
        headers["Content-Disposition"] = (
            f"attachment; filename=\"{plain}\"; filename*=UTF-8''{quoted}"
        )
    return headers
