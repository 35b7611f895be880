"""Event files with anything in them, under the tab: hypothesis draws what lies between frames."""

from __future__ import annotations

import functools
import itertools
import struct
import tempfile
from dataclasses import dataclass
from pathlib import Path

import google_crc32c
from hypothesis import HealthCheck, given, seed, settings
from hypothesis import strategies as st
from tensorboard.compat.proto import event_pb2

from tensorboard_plugin import schema
from tensorboard_plugin.log import frames, log_events
from tensorboard_plugin.log.event_reader import EventReader
from tensorboard_plugin.log.log_errors import Gone
from tests.helpers import synthetic_logs
from tests.helpers.faults.fault import fault
from tests.helpers.reader_events import Found, expanded
from tests.helpers.tab_api import Api

CODES = ("unknown_step", "damaged", "unknown_tag", "gone")
"""The last two while all is read again, because contents were wrong."""

EXAMPLES = 25
"""Files that hypothesis makes in one go."""


@dataclass(frozen=True)
class Piece:
    """Some bytes of a file.

    Attributes:
        data: The bytes.
        is_whole: Whether they are a frame of ours as it was written.
        claimed: How many bytes after them they claim to be theirs. Nothing shows that this is
            wrong while the file is no longer than that.
    """

    data: bytes
    is_whole: bool = False
    claimed: int = 0


@functools.cache
def whole_frames() -> list[bytes]:
    """The frames of a small log of ours."""
    spec = synthetic_logs.Spec(epochs=3, layers=1, images=1, channels=2, cell=4, size=8)
    with tempfile.TemporaryDirectory() as directory:
        data = Path(synthetic_logs.write(directory, spec).path).read_bytes()
    found, at = [], 0
    while at < len(data):
        (length,) = struct.unpack_from("<Q", data, at)
        found.append(data[at : at + 16 + length])
        at += 16 + length
    return found


@functools.cache
def captures() -> list[list[bytes]]:
    """The same, capture by capture, each with its contents in front."""
    found: list[list[bytes]] = []
    for frame in whole_frames()[1:]:
        if is_contents(frame):
            found.append([])
        found[-1].append(frame)
    return found


def is_contents(frame: bytes) -> bool:
    """Whether a frame only lists the frames after it."""
    return schema.CONTENTS_TAG.encode() in frame[:64]


def checksum(data: bytes) -> int:
    """Of a TFRecord, written down here once more."""
    crc = google_crc32c.value(data)
    return (((crc >> 15) | (crc << 17)) + 0xA282EAD8) & 0xFFFFFFFF


def framed(payload: bytes, length: int | None = None) -> bytes:
    """A record with right checksums, of another length than its payload's if that is given."""
    head = struct.pack("<Q", len(payload) if length is None else length)
    return head + struct.pack("<I", checksum(head)) + payload + struct.pack("<I", checksum(payload))


def cut(frame: bytes, keep: int) -> Piece:
    """A frame that ends too early."""
    keep %= len(frame)
    return Piece(frame[:keep], claimed=len(frame) - keep if keep >= 12 else 0)


def flip(frame: bytes, bit: int) -> Piece:
    """A frame with one bit the other way."""
    at, bit = divmod(bit % (8 * len(frame)), 8)
    return Piece(frame[:at] + bytes([frame[at] ^ 1 << bit]) + frame[at + 1 :])


def stuffed(frame: bytes, at: int, more: bytes) -> Piece:
    """A frame with other bytes in its middle."""
    at %= len(frame)
    return Piece(frame[:at] + more + frame[at:]) if more else Piece(frame, is_whole=True)


def foreign(step: int, tag: str) -> bytes:
    """A complete summary of another plugin."""
    event = event_pb2.Event(step=step, wall_time=1.0)
    event.summary.value.add(tag=tag, simple_value=1.0)
    return framed(event.SerializeToString())


_frames = st.deferred(lambda: st.sampled_from(whole_frames()))
_bits = st.integers(0, 1 << 30)
_damage = st.one_of(
    st.builds(cut, _frames, _bits),
    st.builds(flip, _frames, _bits),
    st.builds(stuffed, _frames, _bits, st.binary(max_size=40)),
    st.builds(Piece, st.binary(max_size=60)),
    st.builds(Piece, st.integers(0, 3000).map(bytes)),  # what a crash of a machine may leave
    st.builds(lambda payload: Piece(framed(payload)), st.binary(max_size=60)),
    st.builds(lambda step, tag: Piece(foreign(step, tag)), st.integers(0, 9), st.text(max_size=9)),
    # Lengths that no record has, with a right and with a wrong checksum.
    st.builds(
        lambda length, data: Piece(framed(data, length)),
        st.integers(1 << 31, (1 << 64) - 1),
        st.binary(max_size=30),
    ),
    st.builds(
        lambda length, data: Piece(struct.pack("<Q", length) + data),
        st.integers(0, (1 << 64) - 1),
        st.binary(max_size=30),
    ),
)
_whole = _frames.map(lambda data: Piece(data, is_whole=True))
_captures = st.deferred(lambda: st.sampled_from(captures()))
_nothing = st.just(Piece(b""))


def hit(capture: list[bytes], at: int, damage: Piece, is_instead: bool) -> list[Piece]:
    """A capture with that in front of one of its frames, or instead of it."""
    pieces = [Piece(frame, is_whole=True) for frame in capture]
    at %= len(pieces)
    pieces[at : at + is_instead] = [damage]
    return pieces


_pieces = st.lists(
    st.one_of(
        st.one_of(_whole, _damage).map(lambda piece: [piece]),
        st.builds(hit, _captures, _bits, _damage, st.booleans()),
        st.builds(hit, _captures, _bits, _nothing, st.just(False)),
    )
).map(lambda groups: list(itertools.chain.from_iterable(groups)))


def must_be_found(pieces: list[Piece]) -> set[int]:
    """Offsets of the whole frames that no damage in front of them can hide."""
    ends = list(itertools.accumulate(len(piece.data) for piece in pieces))
    found, hidden = set(), 0
    for piece, end in zip(pieces, ends, strict=True):
        claimed = end + piece.claimed
        if piece.is_whole:
            if end > hidden:
                found.add(end - len(piece.data))
        elif claimed in ends:
            hidden = max(hidden, claimed)  # it ends where another one begins
        elif claimed > ends[-1] - frames.HEADER.size:
            break  # it looks as if it, or the one after it, was still being written
    return found


@fault(
    "Event files with cut, flipped, inserted and foreign bytes and absurd lengths between records, "
    f"{EXAMPLES} files each time",
    checked="the reader ends, in one go or while the file grows, and finds every whole record and "
    "picture outside the damage; a damaged picture is never shown; the routes answer",
    seen="“Bytes are lost up to the next whole record”, “A record fails its checksum”, or “it is "
    "damaged on disk” where it is asked for",
    times=80,
    tested=2,
)
def damaged_files(directory: Path, number: int) -> str:
    path = directory / "run" / schema.RUN_NAME / "events.out.tfevents.1.host.1.0"
    path.parent.mkdir(parents=True)

    @seed(number)
    @settings(
        max_examples=EXAMPLES,
        database=None,
        deadline=None,
        suppress_health_check=list(HealthCheck),
    )
    @given(_pieces, st.lists(_bits, max_size=3))
    def check(pieces: list[Piece], cuts: list[int]) -> None:
        whole = b"".join(piece.data for piece in pieces)
        path.unlink(missing_ok=True)
        path.write_bytes(whole)
        at_once = list(EventReader(str(path)).read())
        assert len(at_once) <= len(whole) // 12 + 1
        grown = _grown(path, whole, sorted(cut % (len(whole) + 1) for cut in cuts))
        for found in (at_once, grown):
            _compare(found, must_be_found(pieces), pieces)
        assert _intact(grown, whole) == _intact(at_once, whole)
        _ask(str(directory))

    check()
    return f"{EXAMPLES} files"


def _compare(found: list[log_events.Event], expected: set[int], pieces: list[Piece]) -> None:
    # The first record of a file says what it is and is no event for the tab.
    offsets = {each.offset for each in expanded(found)}
    data, at = whole_frames(), 0
    for piece in pieces:
        is_ours = piece.data != data[0] and not is_contents(piece.data)
        if at in expected and is_ours and not _is_of_layers(piece.data):
            assert at in offsets, (at, found)
        at += len(piece.data)


def _intact(found: list[log_events.Event], whole: bytes) -> set[Found]:
    """What of it is whole: contents list what is damaged, too, which is noticed when it is read."""
    return {
        each
        for each in expanded(found)
        if framed(whole[each.offset + 12 :][: each.length])
        == whole[each.offset :][: each.length + 16]
    }


def _is_of_layers(frame: bytes) -> bool:
    """Whether a frame holds numbers of layers, whose places contents do not list."""
    event = event_pb2.Event.FromString(frame[12:-4])
    tags = [value.tag for value in event.summary.value]
    return all(t.startswith("dead_channels/") or schema.is_measures_tag(t) for t in tags)


def _grown(path: Path, whole: bytes, cuts: list[int]) -> list[log_events.Event]:
    """What is found when the same file comes piece by piece."""
    path.unlink()
    path.write_bytes(b"")
    reader = EventReader(str(path))
    found: list[log_events.Event] = []
    for start, end in zip([0, *cuts], [*cuts, len(whole)], strict=True):
        with path.open("ab") as file:
            file.write(whole[start:end])
        try:
            if reader.look():
                found += reader.read()
        except Gone:  # contents were wrong: all is read again without them
            assert reader.contents_are_wrong
            reader = EventReader(str(path), use_contents=False)
            reader.look()
            found = list(reader.read())
    return found


def _ask(log_dir: str) -> None:
    """Through TensorBoard's own application: nothing is shown that was not written."""
    api = Api(log_dir)
    written = whole_frames()
    run = f"run/{schema.RUN_NAME}"
    api.settled()
    for series in api.json("run", run=run)["series"]:
        for step in range(3):
            answer = api.get("picture", run=run, tag=series["tag"], step=step)
            if answer.status_code == 200:
                assert any(answer.data in frame for frame in written)
            else:
                assert answer.status_code in (404, 410)
                assert answer.get_json()["error"]["code"] in CODES
