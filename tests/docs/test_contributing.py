"""The examples of CONTRIBUTING.md's "Add …" are run where they are to be put."""

import re
import textwrap

import numpy as np
import pytest

from docs import method_pages
from keras_viz_callbacks import ActivationGrid, filter_patterns, grad_cam, saliency
from keras_viz_callbacks.maps import class_activation, measures, perturbation, pixel_attribution
from keras_viz_callbacks.patterns import objectives, parametrisations
from tests.helpers.event_logs import Log
from tests.helpers.guide_pages import ROOT
from tests.helpers.models import small_model

TEXT = (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8")
_, ADD = TEXT.split("## Add …\n")
SECTIONS = dict(
    re.findall(r"^\*\*(.+?)\*\*(.*?)(?=^\*\*|^## )", ADD, flags=re.MULTILINE | re.DOTALL)
)


def example(section):
    """The indented block of a section, which may be in a list."""
    lines, block = SECTIONS[section].splitlines(), []
    for line in lines:
        if line.startswith("    ") or (block and not line.strip()):
            block.append(line)
        elif block:
            break
    return textwrap.dedent("\n".join(block))


def put_into(module, section):
    """Runs the example of a section as if it were in a module."""
    names = dict(vars(module))
    exec(compile(example(section), f"CONTRIBUTING.md: {section}", "exec"), names)
    return names


@pytest.fixture(autouse=True)
def registries():
    """Forgets afterwards what an example has registered."""
    with (
        class_activation.METHODS.restored(),
        pixel_attribution.ATTRIBUTIONS.restored(),
        measures.MEASURES.restored(),
        parametrisations.PARAMETRISATIONS.restored(),
    ):
        yield


def test_a_class_activation_method(images):
    put_into(class_activation, "A class activation method")
    found = grad_cam(small_model(), images, "conv_b", method="my_cam")
    assert found.shape == (6, 8, 8)
    assert found.max() > 0
    # Its page and its row come with it.
    page = method_pages.page(class_activation.METHODS["my_cam"])
    assert page.startswith("# My-CAM\n")
    assert "[My-CAM](my_cam.md)" in method_pages.table()


def test_a_method_that_tries_variants(images):
    put_into(perturbation, "A method that tries variants")
    found = grad_cam(small_model(), images, "conv_b", method="by_halves")
    assert found.shape == (6, 8, 8)
    assert found.max() > 0


def test_a_pixel_attribution_method(images):
    put_into(pixel_attribution, "A pixel attribution method")
    found = saliency(small_model(), images, 1, "halfway_gradient", sum_channels=False)
    whole = saliency(small_model(), images, 1, sum_channels=False)
    half = saliency(small_model(), images / 2, 1, sum_channels=False)
    np.testing.assert_allclose(found, images * (whole + half) / 2, rtol=1e-4, atol=1e-7)


def test_a_measure(tmp_path, images, labels):
    put_into(measures, "A measure")
    own = ActivationGrid(tmp_path, images[:2], layers="conv_b")
    small_model().fit(images, labels, epochs=1, verbose=0, callbacks=[own])
    log = Log(tmp_path)
    reported = log.layer_measure("activations", "share_of_zeros", 0)["conv_b"]
    assert 0 < reported < 1
    scalar = log.scalars["keras_viz", "share_of_zeros/conv_b", 0]
    assert scalar == pytest.approx(reported, rel=1e-6)


def test_an_objective():
    names = put_into(objectives, "An objective of filter patterns")
    found = filter_patterns(small_model(), None, names["centre"]("conv_b", 2), steps=2)
    assert found.shape[0] == 2
    assert found.std() > 0


def test_a_parametrisation():
    put_into(parametrisations, "A parametrisation of filter patterns")
    model = small_model()
    grey = filter_patterns(model, "conv_b", 2, parametrisation="grey", steps=2)
    assert grey.std() > 0
    np.testing.assert_array_equal(grey, np.repeat(grey[..., :1], 3, axis=-1))


def test_each_kind_of_addition_has_an_example():
    assert [name for name in SECTIONS if example(name)] == [
        "A class activation method",
        "A method that tries variants",
        "A pixel attribution method",
        "A measure",
        "An objective of filter patterns",
        "A parametrisation of filter patterns",
        "A view of the tab",
    ]
