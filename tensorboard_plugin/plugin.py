"""The TensorBoard plugin: which routes there are, and the files of the tab itself."""

from __future__ import annotations

import logging
import os
import typing
from collections.abc import Callable

from tensorboard.plugins import base_plugin
from werkzeug import wrappers

from tensorboard_plugin import schema
from tensorboard_plugin.answers import http
from tensorboard_plugin.answers.http import ApiError, Request, Response
from tensorboard_plugin.answers.json_routes import JsonRoutes
from tensorboard_plugin.answers.picture_routes import PictureRoutes
from tensorboard_plugin.index.log_directories import log_directories
from tensorboard_plugin.index.log_index import LogIndex
from tensorboard_plugin.log.log_errors import Damaged, Gone, Unreachable

STATIC = os.path.join(os.path.dirname(os.path.abspath(__file__)), "static")
_STATIC_TYPES = {
    ".js": "text/javascript; charset=utf-8",
    ".css": "text/css; charset=utf-8",
    ".svg": "image/svg+xml",
    ".png": "image/png",
    ".json": "application/json; charset=utf-8",
}

_logger = logging.getLogger(__name__)


class KerasVizPlugin(base_plugin.TBPlugin):  # type: ignore[misc]
    """The tab "Keras Viz".

    Reads the event files itself rather than through TensorBoard's data provider, which keeps ten
    pictures a tag and which only one of its two loaders offers to plugins in the old way.
    """

    plugin_name = schema.PLUGIN_NAME

    def __init__(self, context: typing.Any) -> None:
        flags = context.flags
        self._index = LogIndex(
            log_directories(
                context.logdir or getattr(flags, "logdir", None),
                getattr(flags, "logdir_spec", None),
            )
        )

    def is_active(self) -> bool:
        """Whether there is a run of ours; TensorBoard asks on every listing of its tabs."""
        return self._index.has_runs()

    def frontend_metadata(self) -> typing.Any:
        """Name of the tab and its entry module."""
        return base_plugin.FrontendMetadata(es_module_path="/static/index.js", tab_name="Keras Viz")

    def get_plugin_apps(self) -> dict[str, Callable[..., typing.Any]]:
        """Route to WSGI application."""
        table = {
            **JsonRoutes(self._index).table(),
            **PictureRoutes(self._index).table(),
            "/static/*": static_file,
        }
        apps = {route: _application(self._index, answer) for route, answer in table.items()}
        # TensorBoard wants to see the entry module among the routes.
        return {**apps, "/static/index.js": apps["/static/*"]}


def static_file(request: Request) -> Response:
    """A file of the tab itself, from `static` and nowhere else."""
    relative = request.path.partition(f"/{schema.PLUGIN_NAME}/static/")[2]
    if "\0" in relative or "\\" in relative:
        raise _not_found()
    path = os.path.realpath(os.path.join(STATIC, relative))
    kind = _STATIC_TYPES.get(os.path.splitext(path)[1])
    if kind is None or not path.startswith(os.path.realpath(STATIC) + os.sep):
        raise _not_found()
    try:
        with open(path, "rb") as file:
            body = file.read()
    except OSError as error:
        raise _not_found() from error
    return http.body_response(request, body, kind, http.REVALIDATE)


def _not_found() -> ApiError:
    return ApiError(404, "not_found", "The tab has no such file. Reload the page.")


def _application(
    index: LogIndex, answer: Callable[[Request], Response]
) -> Callable[..., typing.Any]:
    @wrappers.Request.application  # type: ignore[untyped-decorator]
    def application(request: Request) -> Response:
        try:
            if request.method not in ("GET", "HEAD"):
                raise ApiError(
                    405, "method_not_allowed", f"{request.method} is not allowed here. Use GET."
                )
            return answer(request)
        except ApiError as error:
            return http.error_response(error)
        except Unreachable as error:
            message = f"The log can't be read just now: {error}. Try again."
            return http.error_response(ApiError(503, "unreachable", message))
        except Gone:
            index.look_again()
            message = "The file was deleted or replaced a moment ago. Reload the runs."
            return http.error_response(ApiError(410, "gone", message))
        except Damaged as error:
            message = f"This can't be shown, it is damaged on disk: {error}."
            return http.error_response(ApiError(410, "damaged", message))
        except Exception:  # a defect of ours must not look like TensorBoard's
            _logger.exception("keras_viz: %s failed", request.path)
            message = "The server failed. The log of TensorBoard has the traceback."
            return http.error_response(ApiError(500, "internal", message))

    return typing.cast(Callable[..., typing.Any], application)
