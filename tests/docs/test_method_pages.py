"""A method's page and its row come from the docstring of its formula."""

import re

import pytest

from docs import method_pages
from keras_viz_callbacks.maps.class_activation import METHODS, Method
from tests.helpers.guide_pages import PAGES, blocks

ALL = method_pages.variants()


def my_cam(activations, gradients):
    r"""Channels weighted by their largest gradient,
    as `grad_cam` does by the mean.

    Equation:
        \[
        L = \max_{ij} A
        \]

    Source:
        Author 2026, arXiv:2601.01234. Another, doi:10.1000/182.X_1.

        See [arXiv:2601.00001](https://arxiv.org/abs/2601.00001).

    When not to believe it:
        - Never.
          Or see `my_cam` and `layer_cam`.

    Example:
        ```python
        if True:
            "`layer_cam`, arXiv:2601.01234"
        ```
    """


PAGE = r"""# My-CAM

Channels weighted by their largest gradient,
as [Grad-CAM](grad_cam.md) does by the mean.

## Equation

\[
L = \max_{ij} A
\]

## Source

Author 2026, [arXiv:2601.01234](https://arxiv.org/abs/2601.01234). Another, [doi:10.1000/182.X_1](https://doi.org/10.1000/182.X_1).

See [arXiv:2601.00001](https://arxiv.org/abs/2601.00001).

## When not to believe it

- Never.
  Or see `my_cam` and [LayerCAM](layer_cam.md).

## Example

```python
if True:
    "`layer_cam`, arXiv:2601.01234"
```
"""


def undocumented(activations, gradients):
    """Channels.

    Source:
        Author 2026.
    """


def test_a_page_is_made_of_the_docstring():
    assert method_pages.page(Method("my_cam", "My-CAM", my_cam)) == PAGE


def test_a_row_is_made_of_the_summary():
    with METHODS.restored():
        METHODS["my_cam"] = Method("my_cam", "My-CAM", my_cam)
        rows = method_pages.table().splitlines()
    assert (
        "| [My-CAM](my_cam.md) | Channels weighted by their largest gradient, as `grad_cam` does "
        'by the mean | `"my_cam"` |'
    ) in rows


def test_a_docstring_without_a_required_section_is_refused():
    with pytest.raises(ValueError, match="must have the sections") as raised:
        method_pages.page(Method("undocumented", "Undocumented", undocumented))
    assert str(raised.value) == (
        "The docstring of a method must have the sections 'Source:' and 'When not to believe it:'. "
        "Received: undocumented without 'When not to believe it:'. `docs/method_pages.py` says how "
        "a section is written."
    )


def test_no_two_families_have_a_method_of_one_name():
    assert len(ALL) == sum(len(family.methods) for family in method_pages.FAMILIES)


@pytest.mark.parametrize("name", ALL)
def test_every_method_names_its_source_and_when_not_to_believe_it(name):
    text = method_pages.page(ALL[name])
    assert text.startswith(f"# {ALL[name].title}\n")
    headings = re.findall(r"^## (.*)$", text, flags=re.MULTILINE)
    assert {"Source", "When not to believe it"} <= set(headings)
    year = re.compile(r"\b(19|20)\d\d\b")
    assert year.search(text, text.index("## Source"))


@pytest.mark.parametrize("name", ALL)
def test_every_method_has_an_example_that_is_run(name):
    (page,) = (page for page in PAGES if page.name.endswith(f"::{name}"))
    assert "python" in [block.info for block in blocks(page)]


def test_every_method_has_a_row():
    assert re.findall(r'`"(\w+)"` \|$', method_pages.table(), flags=re.MULTILINE) == list(ALL)
