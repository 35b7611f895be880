"""Options that are declared once and taken by several functions and classes."""

import inspect
from typing import Annotated, TypedDict

import pytest

from keras_viz_callbacks.options import Option, part, with_options


class SizeOptions(TypedDict, total=False):
    size: Annotated[int, Option(64, "Longer side, in pixels.")]
    seed: Annotated[int, Option(0, "Seed of the noise. " + "It is long. " * 10)]


class Options(SizeOptions, total=False):
    name: Annotated[str | None, Option(None, "A name.")]


@with_options(Options, size=32)
def draw(image, *, scale=1, **options):
    """Draws.

    Args:
        image: An image.
        seed: In its
            own words.
        scale: A factor.

    Returns:
        What it was given.
    """
    return image, scale, options


def test_a_function_has_every_option_with_its_default():
    assert draw(1) == (1, 1, {"size": 32, "seed": 0, "name": None})
    assert draw(1, scale=2, size=3, name="x") == (1, 2, {"size": 3, "seed": 0, "name": "x"})


def test_the_signature_and_the_docstring_show_them_all():
    assert str(inspect.signature(draw)) == (
        "(image, *, scale=1, size: int = 32, seed: int = 0, name: str | None = None)"
    )
    assert draw.__doc__ == (
        "Draws.\n\nArgs:\n    image: An image.\n    scale: A factor.\n"
        "    size: Longer side, in pixels.\n    seed: In its\n        own words.\n"
        "    name: A name.\n\nReturns:\n    What it was given."
    )
    assert draw.__name__ == "draw"


def test_a_long_description_is_wrapped():
    @with_options(SizeOptions)
    def plain(**options):
        """Plain."""

    lines = plain.__doc__.splitlines()
    assert lines[:5] == ["Plain.", "", "Args:", "    size: Longer side, in pixels.", lines[4]]
    assert lines[4].startswith("    seed: Seed of the noise. It is long.")
    assert all(line.startswith("        It is") or "is long" in line for line in lines[5:])
    assert max(map(len, lines)) <= 96


def test_without_docstrings_there_is_nothing_to_describe():
    def bare(**options):
        return options

    assert with_options(SizeOptions)(bare)() == {"size": 64, "seed": 0}


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("sise", "draw() got an unexpected keyword argument 'sise'. Did you mean 'size'?"),
        ("scales", "draw() got an unexpected keyword argument 'scales'. Did you mean 'scale'?"),
        ("xyzzy", "draw() got an unexpected keyword argument 'xyzzy'."),
    ],
)
def test_an_unknown_name_is_a_type_error_with_the_nearest(name, message):
    with pytest.raises(TypeError) as raised:
        draw(1, **{name: 1})
    assert str(raised.value) == message


class Base:
    """A base.

    Args:
        path: A path.
        count: In the base's words.
    """

    def __init__(self, path, count=1, **options):
        self.path, self.count, self.options = path, count, options


@with_options(Options)
class Derived(Base):
    """Derived.

    Args:
        count: A count.
    """

    def __init__(self, path, count=2, **options):
        super().__init__(path, count, **part(SizeOptions, options))
        self.name = options["name"]


def test_a_class_takes_them_by_its_init_and_describes_what_its_bases_describe():
    made = Derived("p", seed=5, name="n")
    assert (made.path, made.count, made.options) == ("p", 2, {"size": 64, "seed": 5})
    assert made.name == "n"
    assert list(inspect.signature(Derived).parameters) == ["path", "count", "size", "seed", "name"]
    described = [line.partition(":")[0].strip() for line in Derived.__doc__.splitlines()[3:]]
    assert described[:3] == ["path", "count", "size"]
    assert "    count: A count." in Derived.__doc__.splitlines()


def test_a_class_of_the_users_own_below_has_its_own_signature():
    class Own(Derived):
        def __init__(self, path):
            super().__init__(path, size=1)

    assert list(inspect.signature(Own).parameters) == ["path"]
    assert Own("p").options["size"] == 1
    with pytest.raises(TypeError, match=r"Derived.__init__\(\) got an unexpected .* 'sizes'"):
        Derived("p", sizes=1)


def test_what_is_declared_wrongly_is_said_at_once():
    class Undescribed(TypedDict, total=False):
        size: Annotated[int, "no option"]

    with pytest.raises(TypeError, match="Undescribed must give 'size' one Option"):
        with_options(Undescribed)
    with pytest.raises(TypeError, match="Options declares no colour"):
        with_options(Options, colour=1)
    with pytest.raises(TypeError, match=r"The last parameter must be \*\*options"):
        with_options(Options)(lambda image: image)
