"""The options that callbacks share: in every signature, docstring and page, from one line each."""

import inspect
import typing

import pytest

from keras_viz_callbacks import ActivationGrid, FilterPatterns, GradCAM
from keras_viz_callbacks.callbacks.options import CaptureOptions, LayerImageOptions
from keras_viz_callbacks.options import Option, declared, with_options
from tests.helpers.guide_pages import ROOT

CALLBACKS = (ActivationGrid, FilterPatterns, GradCAM)


def defaults(callback):
    return {name: p.default for name, p in inspect.signature(callback).parameters.items()}


def test_signatures_show_the_options_with_their_defaults():
    shared = {"update_freq": "epoch", "every": 1, "max_overhead": None, "on_error": "warn"}
    of_images = shared | {
        "labels": None,
        "class_names": None,
        "layers": None,
        "preprocess": None,
        "tokens_to_grid": None,
        "max_images": 8,
    }
    required = {"log_dir": inspect.Parameter.empty}
    assert defaults(GradCAM) == of_images | required | {
        "images": inspect.Parameter.empty,
        "target": None,
        "method": "grad_cam",
        "batch_size": 32,
        "colormap": "turbo",
        "name": None,
    }
    assert defaults(ActivationGrid) == of_images | required | {
        "images": inspect.Parameter.empty,
        "channels": None,
        "max_channels": 64,
        "cell_size": 64,
        "scale": "channel",
        "colormap": "viridis",
        "name": "activations",
    }
    assert defaults(FilterPatterns).items() >= (shared | required | {"name": "filters"}).items()
    for callback in CALLBACKS:
        kinds = [p.kind.name for p in inspect.signature(callback).parameters.values()]
        assert kinds.count("POSITIONAL_OR_KEYWORD") == (1 if callback is FilterPatterns else 2)
        assert set(kinds) == {"POSITIONAL_OR_KEYWORD", "KEYWORD_ONLY"}


@pytest.mark.parametrize("callback", CALLBACKS)
def test_docstrings_describe_every_argument_once_in_the_order_of_the_signature(callback):
    lines = inspect.getdoc(callback).splitlines()
    begin = lines.index("Args:") + 1
    block = lines[begin : lines.index("", begin)]
    described = [line.strip().partition(":")[0] for line in block if line[4] != " "]
    assert described == list(inspect.signature(callback).parameters)


def test_an_unknown_option_is_said_with_the_nearest(tmp_path, images):
    with pytest.raises(TypeError) as raised:
        GradCAM(tmp_path, images, max_image=3)
    assert str(raised.value) == (
        "GradCAM.__init__() got an unexpected keyword argument 'max_image'. "
        "Did you mean 'max_images'?"
    )


def test_an_option_that_was_not_there_when_a_callback_was_written_reaches_it():
    class More(CaptureOptions, total=False):
        caption: typing.Annotated[str, Option("none", "A caption.")]

    class Late(FilterPatterns):
        """Late."""

        def __init__(self, log_dir, **options):
            self.caption = options.pop("caption")
            super().__init__(log_dir, **options)

    late = with_options(More, name="late")(Late)
    assert late("d").caption == "none"
    assert late("d", caption="x", every=3).every == 3
    assert "    caption: A caption." in late.__doc__.splitlines()


def test_the_reference_pages_show_what_help_shows():
    griffe = pytest.importorskip("griffe", reason="the extra docs is not installed")
    extension = str(ROOT / "docs/griffe_docstrings.py")
    package = griffe.load(
        "keras_viz_callbacks",
        search_paths=[str(ROOT)],
        extensions=griffe.load_extensions(f"{extension}:SharedOptions"),
    )
    for callback in CALLBACKS:
        shown = package[callback.__name__]
        parameters = {p.name: p.default for p in shown.parameters if p.name != "self"}
        assert list(parameters) == list(inspect.signature(callback).parameters)
        assert parameters["every"] == "1"
        assert shown.docstring.value == inspect.getdoc(callback)
    layout = package["GradCAM"].parameters["tokens_to_grid"]
    assert str(layout.annotation) == "TokensToGrid"
    assert set(declared(LayerImageOptions)) <= {p.name for p in package["GradCAM"].parameters}
