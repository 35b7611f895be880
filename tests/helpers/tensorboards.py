"""Asks a TensorBoard that runs."""

from __future__ import annotations

import json
import re
import urllib.parse
import urllib.request


def address_in(lines):
    """Where it says that it listens, without a slash at the end."""
    return next(m[0] for line in lines if (m := re.search(r"http://[\w.]+:\d+", line)))


def get(url, **query):
    """The bytes of an answer."""
    with urllib.request.urlopen(f"{url}?{urllib.parse.urlencode(query)}", timeout=60) as response:
        return response.read()


def get_json(url, **query):
    """An answer that is JSON."""
    return json.loads(get(url, **query))


def settled_runs(address):
    """What the tab lists, when everything is indexed."""
    while True:
        answer = get_json(f"{address}/data/plugin/keras_viz/runs")
        if answer["indexing"]["done"] == answer["indexing"]["total"]:
            return answer["runs"]
