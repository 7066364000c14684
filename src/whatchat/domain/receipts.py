"""How cursors move: what every store of receipts does the same. Pure."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Final

from whatchat.domain.ids import DeviceId, RoomId, Seq, UserId
from whatchat.domain.ports.receipt_store import Cursors, Move

MAX_DEVICES: Final = 64
"""Of one member in one room; beyond these, those that are furthest behind are forgotten."""


def by_member(moves: Sequence[Move]) -> Mapping[tuple[RoomId, UserId], list[Move]]:
    """Moves by the member that they are of."""
    members: dict[tuple[RoomId, UserId], list[Move]] = {}
    for move in moves:
        members.setdefault((move.room_id, move.user_id), []).append(move)
    return members


def merged(moves: Sequence[Move]) -> Move:
    """One move for several of one member, but for its device, which is the first one's."""
    first = moves[0]
    if len(moves) == 1:
        return first
    return Move(
        room_id=first.room_id,
        user_id=first.user_id,
        device_id=first.device_id,
        delivered_seq=_furthest(one.delivered_seq for one in moves),
        read_seq=_furthest(one.read_seq for one in moves),
        shown_delivered_seq=_furthest(one.shown_delivered_seq for one in moves),
        shown_read_seq=_furthest(one.shown_read_seq for one in moves),
    )


def after_move(before: Cursors, move: Move) -> Cursors:
    """Cursors that only ever grow; what is read is delivered as well.

    What was told before is not shown for being told again.
    """
    read = max(before.read_seq, move.read_seq or 0)
    delivered = max(before.delivered_seq, move.delivered_seq or 0, read)
    shown_read, shown = before.shown_read_seq, before.shown_delivered_seq
    if read > before.read_seq:
        shown_read = max(shown_read, move.shown_read_seq or Seq(0))
    if delivered > before.delivered_seq:
        shown = max(shown, move.shown_delivered_seq or Seq(0))
    return Cursors(
        delivered_seq=Seq(delivered),
        read_seq=Seq(read),
        shown_delivered_seq=max(shown, shown_read),
        shown_read_seq=shown_read,
    )


def devices_after(before: Mapping[DeviceId, Seq], moves: Sequence[Move]) -> dict[DeviceId, Seq]:
    """How far a member's devices have got after its moves: ``MAX_DEVICES`` of them."""
    devices = dict(before)
    for move in moves:
        seq = max(move.delivered_seq or 0, move.read_seq or 0)
        devices[move.device_id] = Seq(max(devices.get(move.device_id, 0), seq))
    if len(devices) > MAX_DEVICES:
        furthest = sorted(devices.items(), key=lambda one: one[1], reverse=True)
        devices = dict(furthest[:MAX_DEVICES])
    return devices


def _furthest(seqs: Iterator[Seq | None]) -> Seq | None:
    return max((seq for seq in seqs if seq is not None), default=None)
