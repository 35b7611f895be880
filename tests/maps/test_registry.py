"""Variants by name."""

import re

import pytest

from keras_viz_callbacks.maps.registry import Registry, title_of


def test_variants_keep_the_order_of_their_registration():
    registry = Registry("method")
    registry["b"], registry["a"] = 1, 2
    assert list(registry.items()) == [("b", 1), ("a", 2)]


def test_an_unknown_name_is_refused_with_those_there_are():
    registry = Registry("method")
    registry["b"], registry["a"] = 1, 2
    with pytest.raises(
        ValueError, match=re.escape("`method` must be one of 'b', 'a'. Received: method='c'")
    ):
        registry.find("c")


def test_what_is_registered_for_a_while_is_forgotten():
    registry = Registry("method")
    registry["a"] = 1
    with registry.restored():
        registry["b"] = 2
        assert registry.find("b") == 2
    assert list(registry) == ["a"]


def test_a_title_is_made_of_a_name():
    assert title_of("my_cam") == "My cam"
