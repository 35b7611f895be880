from __future__ import annotations

import re
import typing
from collections.abc import Callable

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.helpers.tab_api import GRID, HTTP_API, MAP, PREFIX, RUN, Api

ApiOf = Callable[[typing.Any], Api]


def test_unchanged_answers_are_304(api: Api) -> None:
    for route, query in (("runs", {}), ("run", {"run": RUN}), ("metrics", {"run": RUN})):
        first = api.get(route, **query)
        assert first.headers["Cache-Control"] == "no-cache"
        again = api.get(route, headers={"If-None-Match": first.headers["ETag"]}, **query)
        assert (again.status_code, again.data) == (304, b"")


def test_json_is_gzipped_when_accepted(api: Api) -> None:
    plain = api.get("run", run=RUN)
    packed = api.get("run", run=RUN, headers={"Accept-Encoding": "gzip"})
    assert packed.headers["Content-Encoding"] == "gzip"
    assert len(packed.data) < len(plain.data) / 3


BAD = [
    ("run", {}, 400, "bad_parameter", "run"),
    ("run", {"run": ""}, 400, "bad_parameter", "run"),
    ("run", {"run": ["a", "b"]}, 400, "bad_parameter", "run"),
    ("run", {"run": "../.."}, 404, "unknown_run", "run"),
    ("metrics", {"run": RUN, "first": "x"}, 400, "bad_parameter", "first"),
    ("metrics", {"run": RUN, "first": 5, "last": 4}, 400, "bad_parameter", "first"),
    ("series", {"run": RUN}, 400, "bad_parameter", "name"),
    ("series", {"run": RUN, "name": "x"}, 404, "unknown_name", "name"),
    (
        "series",
        {"run": RUN, "name": "filters", "layer": "x"},
        404,
        "unknown_layer",
        "layer",
    ),
    ("series", {"run": RUN, "tag": [*map(str, range(300))]}, 400, "bad_parameter", "tag"),
    ("health", {"run": RUN, "measure": "x"}, 404, "unknown_measure", "measure"),
    ("health", {"run": RUN, "name": "x"}, 404, "unknown_name", "name"),
    ("health", {"run": RUN, "image": "x"}, 404, "unknown_image", "image"),
    ("health", {"run": RUN, "every": 0}, 400, "bad_parameter", "every"),
    ("picture", {"run": RUN, "step": 0}, 400, "bad_parameter", "tag"),
    ("picture", {"run": RUN, "tag": GRID}, 400, "bad_parameter", "step"),
    ("picture", {"run": RUN, "tag": "x", "step": 0}, 404, "unknown_tag", "tag"),
    ("picture", {"run": RUN, "tag": GRID, "step": 99}, 404, "unknown_step", "step"),
    ("picture", {"run": RUN, "tag": GRID, "step": "1e3"}, 400, "bad_parameter", "step"),
    ("thumbnail", {"run": RUN, "tag": GRID, "step": 0, "size": 7}, 400, "bad_parameter", "size"),
    ("thumbnail", {"run": RUN, "tag": GRID, "step": 0, "size": 513}, 400, "bad_parameter", "size"),
    ("cell", {"run": RUN, "tag": GRID, "step": 0}, 400, "bad_parameter", "item"),
    ("cell", {"run": RUN, "tag": GRID, "step": 0, "item": 99}, 404, "unknown_item", "item"),
    ("cell", {"run": RUN, "tag": MAP, "step": 0, "item": 0}, 404, "no_grid", "tag"),
    ("levels", {"run": RUN, "tag": MAP, "step": 0}, 404, "no_levels", "tag"),
    ("heat_map", {"run": RUN, "tag": GRID, "step": 0}, 404, "no_heat_map", "tag"),
    ("heat_map", {"run": RUN, "tag": MAP, "step": 0, "bits": 1}, 400, "bad_parameter", "bits"),
    ("channel", {"run": RUN, "tag": GRID, "item": 99}, 404, "unknown_item", "item"),
    ("export.gif", {"run": RUN, "tag": GRID, "first": 50}, 404, "unknown_step", "last"),
    ("export.gif", {"run": RUN, "tag": GRID, "duration": 1}, 400, "bad_parameter", "duration"),
    ("export.gif", {"run": RUN, "tag": MAP, "item": 0}, 404, "no_grid", "tag"),
    ("export.zip", {"run": RUN}, 400, "bad_parameter", "tag"),
    ("static/none.js", {}, 404, "not_found", None),
    ("static/../plugin.py", {}, 404, "not_found", None),
    ("static/%2e%2e/plugin.py", {}, 404, "not_found", None),
    ("static/..%2f..%2fsetup.cfg", {}, 404, "not_found", None),
    ("static//etc/passwd", {}, 404, "not_found", None),
    ("static/a%00.js", {}, 404, "not_found", None),
]  # fmt: skip


@pytest.mark.parametrize(("route", "query", "status", "code", "parameter"), BAD)
def test_errors_have_one_shape(
    api: Api,
    route: str,
    query: dict[str, typing.Any],
    status: int,
    code: str,
    parameter: str | None,
) -> None:
    response = api.get(route, **query)
    assert response.status_code == status
    (error,) = response.get_json().values()
    if code == "unknown_step" and route == "export.gif":
        parameter = "first"
    assert (error["code"], error["parameter"]) == (code, parameter)
    assert len(error["message"]) > 20
    assert response.headers["Cache-Control"] == "no-store"
    assert f"`{code}`" in HTTP_API


def test_an_error_says_parameter_rule_received_and_way_out(api: Api) -> None:
    error = api.get("thumbnail", run=RUN, tag=GRID, step=0, size="banana").get_json()["error"]
    assert error["message"] == (
        "`size` must be a whole number from 8 to 512. Received: size=banana. "
        "Leave it out for the default."
    )


values = st.sampled_from([RUN, GRID, MAP, "0", "3", "11", "-1", "8", "filters", "image_0", "1"])
anything = values | st.text(st.characters(codec="utf-8"), max_size=5)
NAMES_OF_PARAMETERS = """
    run tag step v size item bits first last every measure name layer image duration download
"""
names = st.sampled_from(NAMES_OF_PARAMETERS.split())
ROUTES = sorted(set(re.findall(r"^\| \[`([\w.]+)`\]", HTTP_API, re.MULTILINE)))


@settings(max_examples=150, deadline=None)
@given(st.sampled_from(ROUTES), st.lists(st.tuples(names, anything), max_size=4), st.booleans())
def test_no_parameters_make_the_server_fail(
    api: Api, route: str, query: list[tuple[str, str]], complete: bool
) -> None:
    base = [("run", RUN), ("tag", GRID), ("step", "3"), ("item", "1")]
    given_names = {name for name, _ in query}
    if complete:
        query = [pair for pair in base if pair[0] not in given_names] + query
    response = api.client.get(PREFIX + route, query_string=query)
    assert response.status_code in (200, 400, 404)
    if response.status_code != 200:
        assert set(response.get_json()["error"]) == {"code", "parameter", "message"}
