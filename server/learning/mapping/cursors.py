"""Cursors of a device that synchronises: opaque, authenticated, a learner's own."""

from __future__ import annotations

from kaiwa.learning.v1 import learning_service_pb2 as pb
from server.errors import InvalidInput
from server.kernel.identity import Caller
from server.learning.domain.sync import SyncPosition, cursor_invalid
from server.rpc.wire import PageTokens

_USUAL, _MOST = 500, 1000


def page_size(request: pb.SyncChangesRequest) -> int:
    """How many changes are wanted at most."""
    return min(request.page_size, _MOST) or _USUAL


def position(tokens: PageTokens, caller: Caller, cursor: str) -> SyncPosition:
    """Where a device stands.

    Raises:
        InvalidInput: SYNC_CURSOR_INVALID.
    """
    if not cursor:
        return SyncPosition()
    try:
        sequence, kind, id_ = tokens.open(f"SyncChanges:{caller.user_id}", cursor)
        return SyncPosition(int(sequence), int(kind), id_)
    except (InvalidInput, ValueError):
        raise cursor_invalid() from None


def cursor(tokens: PageTokens, caller: Caller, reached: SyncPosition) -> str:
    """The cursor of a device that stands there."""
    return tokens.seal(f"SyncChanges:{caller.user_id}", (str(reached.sequence), str(reached.kind), reached.id))
