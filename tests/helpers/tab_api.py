"""The tab's server, asked as a browser asks it, and the log that most of its tests ask for."""

from __future__ import annotations

import io
import typing
from pathlib import Path

from PIL import Image
from tensorboard.backend import application
from tensorboard.plugins import base_plugin
from werkzeug.test import Client

import tensorboard_plugin
from tensorboard_plugin.plugin import KerasVizPlugin
from tests.helpers import synthetic_logs

PREFIX = "/data/plugin/keras_viz/"
HTTP_API = (Path(tensorboard_plugin.__file__).parent / "HTTP_API.md").read_text(encoding="utf-8")

# More than the ten steps that TensorBoard itself keeps of a tag.
SPEC = synthetic_logs.Spec(epochs=12, layers=5, images=2, class_maps=2)
RUN = "run1/keras_viz"
GRID = "activations/conv2d_1/image_1"
MAP = "grad_cam/conv2d_4/image_1"


class Api:
    """GETs routes the way a browser does, through TensorBoard's own application."""

    def __init__(self, log_dir: str) -> None:
        plugin = KerasVizPlugin(base_plugin.TBContext(logdir=log_dir))
        self.client = Client(application.TensorBoardWSGI([plugin]))

    def get(self, route: str, headers: typing.Any = None, **query: typing.Any) -> typing.Any:
        response = self.client.get(PREFIX + route, query_string=query, headers=headers)
        assert response.headers["X-Content-Type-Options"] == "nosniff"
        assert response.headers["Content-Type"]
        assert response.headers["Cache-Control"]
        return response

    def json(self, route: str, **query: typing.Any) -> typing.Any:
        response = self.get(route, **query)
        assert response.status_code == 200, response.data
        return response.get_json()

    def settled(self) -> typing.Any:
        """`runs` when everything has been read."""
        while True:
            answer = self.json("runs")
            if answer["indexing"]["done"] == answer["indexing"]["total"]:
                return answer


def image_of(response: typing.Any) -> Image.Image:
    """The picture of an answer."""
    assert response.status_code == 200, response.data
    return Image.open(io.BytesIO(response.data))
