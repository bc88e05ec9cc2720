"""Who may see and change what."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum, auto

from server.content.domain.sentence import Sentence, SentenceId, Visibility
from server.errors import Aborted, AlreadyExists, NotFound, PermissionDenied, Reason
from server.kernel.identity import Caller, Role, UserId


class Scope(Enum):
    """Which spaces a list looks through."""

    ALL = auto()
    SHARED = auto()
    MINE = auto()


@dataclass(frozen=True, slots=True)
class Spaces:
    """The spaces that a read is held to.

    Attributes:
        shared: whether what is shared is among them.
        owner_id: whose private space is among them; None: nobody's.
    """

    shared: bool
    owner_id: UserId | None

    def hold(self, sentence: Sentence) -> bool:
        """Whether a sentence is in one of them."""
        return self.shared if sentence.owner_id is None else sentence.owner_id == self.owner_id


def visible_to(caller: Caller, scope: Scope = Scope.ALL) -> Spaces:
    """The spaces that a caller may see, as far as `scope` reaches."""
    return Spaces(shared=scope is not Scope.MINE, owner_id=None if scope is Scope.SHARED else caller.user_id)


def changeable_by(caller: Caller, scope: Scope = Scope.ALL) -> Spaces:
    """The spaces that a caller may change, as far as `scope` reaches."""
    seen = visible_to(caller, scope)
    return Spaces(shared=seen.shared and caller.role.includes(Role.TEACHER), owner_id=seen.owner_id)


def owner_in(visibility: Visibility, caller: Caller) -> UserId | None:
    """Whose space something new of the caller's goes to; None: it is shared.

    Raises:
        PermissionDenied: SHARED_CONTENT_NEEDS_TEACHER.
    """
    if visibility is Visibility.PRIVATE:
        return caller.user_id
    if not caller.role.includes(Role.TEACHER):
        raise _needs_teacher()
    return None


def check_may_change(sentence: Sentence | None, sentence_id: SentenceId, caller: Caller) -> Sentence:
    """The sentence, if the caller may change it.

    A tombstone counts as there only for those who may change it.

    Args:
        sentence: what a read held to what the caller may see has found, tombstones included.
        sentence_id: what was looked for.

    Raises:
        NotFound: SENTENCE_NOT_FOUND.
        PermissionDenied: SHARED_CONTENT_NEEDS_TEACHER.
    """
    may = sentence is not None and changeable_by(caller).hold(sentence)
    if sentence is None or (sentence.deleted_at is not None and not may):
        raise sentence_not_found(sentence_id)
    if not may:
        raise _needs_teacher()
    return sentence


def sentence_not_found(sentence_id: SentenceId) -> NotFound:
    """What a caller is told who names a sentence that is not there, or not for them."""
    return NotFound(
        Reason.SENTENCE_NOT_FOUND,
        f"There is no sentence {sentence_id} that you may see.",
        metadata={"sentence_id": sentence_id},
    )


def sentence_already_exists(existing_id: SentenceId, sentence: Sentence) -> AlreadyExists:
    """What a caller is told whose sentence has the source and source id of another one in its space."""
    return AlreadyExists(
        Reason.SENTENCE_ALREADY_EXISTS,
        f"The sentence {existing_id} has the same source and source id.",
        metadata={
            "sentence_id": existing_id,
            "source": f"SENTENCE_SOURCE_{sentence.source.name}",
            "source_id": sentence.source_id,
        },
    )


def changed_meanwhile(sentence_id: SentenceId) -> Aborted:
    """What a caller is told whose etag is not the current one, or who lost too many races."""
    return Aborted(
        Reason.CONCURRENT_CHANGE,
        f"The sentence {sentence_id} was changed meanwhile; nothing was changed. Read it again.",
        metadata={"sentence_id": sentence_id},
    )


def _needs_teacher() -> PermissionDenied:
    return PermissionDenied(
        Reason.SHARED_CONTENT_NEEDS_TEACHER,
        "Shared sentences are kept by teachers and admins. Use your private space.",
        metadata={"required_role": Role.TEACHER.value},
    )
