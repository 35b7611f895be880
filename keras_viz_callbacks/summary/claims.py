"""What the callbacks of one session have reserved: tags, and names of held-out images."""

from __future__ import annotations

from collections.abc import Iterable, Sequence


class Claims:
    """Reservations of one session.

    Args:
        log_dir: Its log directory, for messages.
    """

    def __init__(self, log_dir: str) -> None:
        self.log_dir = log_dir
        self._owners: dict[str, int] = {}
        self._images: dict[str, bytes] = {}
        self._shown: set[str] = set()

    def claim(self, owner: object, tags: Iterable[str]) -> None:
        """Reserves tags of pictures and scalars for one callback.

        Raises:
            ValueError: Another callback of this session writes one of these tags.
        """
        for tag in tags:
            if self._owners.setdefault(tag, id(owner)) != id(owner):
                raise ValueError(
                    f"Two callbacks on {self.log_dir!r} write {tag!r}. Give one of them another "
                    f"`name`, other layers, or another `log_dir`. Received: the tag {tag!r} twice"
                )

    def name_images(self, names: Sequence[str] | None, images: Sequence[bytes]) -> tuple[str, ...]:
        """Names for held-out images; in a session, a name means one image.

        Args:
            names: The user's names, or None to number the images: ``image_0``, ``image_1``, …
            images: A digest of each image.

        Raises:
            ValueError: A name of the user's already means another image.
        """
        if names is None:
            return tuple(self._numbered(digest) for digest in images)
        for name, digest in zip(names, images, strict=True):
            if self._images.setdefault(name, digest) != digest:
                raise ValueError(
                    f"Two callbacks on {self.log_dir!r} show different images of one name. "
                    f"Received: images with {name!r}. Give one of them another name."
                )
        return tuple(names)

    def not_yet_shown(self, name: str) -> bool:
        """Whether this held-out image is still to be written; True only once for each name."""
        is_new = name not in self._shown
        self._shown.add(name)
        return is_new

    def clear(self) -> None:
        """Ends the session: everything is free again."""
        self._owners.clear()
        self._images.clear()
        self._shown.clear()

    def _numbered(self, digest: bytes) -> str:
        number = 0
        while self._images.setdefault(f"image_{number}", digest) != digest:
            number += 1
        return f"image_{number}"
