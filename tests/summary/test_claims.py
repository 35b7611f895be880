"""What the callbacks of one session may not have twice."""

import pytest

from keras_viz_callbacks.summary.claims import Claims


def message_of(call, *arguments):
    with pytest.raises(ValueError) as raised:  # noqa: PT011 - the message is compared whole
        call(*arguments)
    return str(raised.value)


@pytest.mark.parametrize("tag", ["grad_cam/conv/image_0", "dead_channels/conv"])
def test_a_tag_belongs_to_one_callback(tag):
    claims, one, other = Claims("logs/run1"), object(), object()
    claims.claim(one, ["a", tag])
    claims.claim(one, [tag])
    assert message_of(claims.claim, other, ["b", tag]) == (
        f"Two callbacks on 'logs/run1' write {tag!r}. Give one of them another `name`, other "
        f"layers, or another `log_dir`. Received: the tag {tag!r} twice"
    )


def test_one_name_means_one_image():
    claims = Claims("logs/run1")
    assert claims.name_images(["cat", "dog"], [b"1", b"2"]) == ("cat", "dog")
    assert claims.name_images(["cat"], [b"1"]) == ("cat",)
    assert message_of(claims.name_images, ["dog"], [b"3"]) == (
        "Two callbacks on 'logs/run1' show different images of one name. Received: images with "
        "'dog'. Give one of them another name."
    )


def test_images_without_names_are_numbered_and_known_again():
    claims = Claims("logs/run1")
    assert claims.name_images(None, [b"1", b"2"]) == ("image_0", "image_1")
    assert claims.name_images(None, [b"2", b"3"]) == ("image_1", "image_2")
    assert claims.name_images(["image_3"], [b"4"]) == ("image_3",)
    assert claims.name_images(None, [b"5"]) == ("image_4",)


def test_an_image_is_shown_once():
    claims = Claims("logs/run1")
    assert [claims.not_yet_shown(name) for name in ("a", "b", "a")] == [True, True, False]


def test_a_new_session_is_free():
    claims, one, other = Claims("logs/run1"), object(), object()
    claims.claim(one, ["a"])
    claims.name_images(["cat"], [b"1"])
    claims.not_yet_shown("cat")
    claims.clear()
    claims.claim(other, ["a"])
    assert claims.name_images(["cat"], [b"2"]) == ("cat",)
    assert claims.not_yet_shown("cat")
