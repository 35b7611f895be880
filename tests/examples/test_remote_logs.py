import os
import subprocess
import sys

import numpy as np
import pytest

from tests.helpers.event_logs import Log, rgb
from tests.helpers.recipes import ENVIRONMENT, EXAMPLES, said_by
from tests.helpers.stores import copy_from
from tests.helpers.tensorboards import address_in, get, settled_runs

TINY = ["--epochs", "2", "--scenes", "48", "--run", "tiny"]
TAGS = ("activations/conv1/image_3", "filters/conv5", "grad_cam/conv3/image_0")


@pytest.mark.parametrize("log_url", ["file", "s3"], indirect=True)
def test_every_store_holds_every_picture(log_url, tmp_path):
    said = said_by("remote_logs.py", *TINY, "--log-dir", log_url)
    log = Log(copy_from(f"{log_url}/tiny", tmp_path / "copy"))
    for tag in TAGS:
        assert log.steps(tag) == [0, 1]
    assert f"{len(log.files)} event files in {log_url}/tiny." in said
    assert len(log.files) == (1 if log_url.startswith("file:") else 6), (
        "two epochs, three callbacks"
    )


def test_what_lies_in_memory_is_shown_by_a_tensorboard_in_the_same_process():
    recipe = subprocess.Popen(
        [sys.executable, EXAMPLES / "remote_logs.py", *TINY, "--serve", "--port", "0"],
        stdout=subprocess.PIPE,
        text=True,
        env=os.environ | ENVIRONMENT,
    )
    try:
        address = address_in(iter(recipe.stdout.readline, ""))
        (run,) = settled_runs(address)
        assert (run["run"], run["steps"]) == ("tiny/keras_viz", 2)
        for tag in TAGS:
            picture = f"{address}/data/plugin/keras_viz/picture"
            assert np.ptp(rgb(get(picture, run=run["run"], tag=tag, step=1))) > 0
    finally:
        recipe.terminate()
        recipe.communicate(timeout=60)
