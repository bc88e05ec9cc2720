"""What a service holds of its users: each lists it, for an export, and erases it, with the account."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol, TypeAlias, TypeVar

from server.kernel.identity import UserId

U_contra = TypeVar("U_contra", contravariant=True)

Record: TypeAlias = Mapping[str, object]
"""JSON values by the names of their fields."""


@dataclass(frozen=True, slots=True)
class Document:
    """One kind of records, and a file of each export.

    Attributes:
        path: where it is in the archive, without `.json`; it stays what it is.
        text: what it holds, as a sentence to its owner.
    """

    path: str
    text: str


@dataclass(frozen=True, slots=True)
class Folder:
    """Files of a user in the object store.

    Attributes:
        keys: the beginning of their keys, with `{user_id}` where the id stands.
        path: the folder of the archive that they are exported to; None: they are not, as `text` explains.
        text: what they are, as a sentence to their owner.
    """

    keys: str
    path: str | None
    text: str

    def of(self, user_id: UserId) -> str:
        """The beginning of this user's keys."""
        return self.keys.format(user_id=user_id)


class Holdings(Protocol[U_contra]):
    """What one service holds of its users. `U_contra` is the unit of work that it does so in."""

    @property
    def documents(self) -> Sequence[Document]:
        """The kinds of records, in the order in which an export has them."""
        ...

    @property
    def folders(self) -> Sequence[Folder]:
        """The files."""
        ...

    async def count(self, uow: U_contra, user_id: UserId) -> int:
        """How many records there are, of all kinds."""
        ...

    def records(self, uow: U_contra, user_id: UserId, document: Document) -> AsyncIterator[Sequence[Record]]:
        """The records of one kind, in a fixed order, in portions."""
        ...

    async def erase(self, uow: U_contra, user_id: UserId, most: int) -> int:
        """Erases up to `most` records, those first that hang on others; what is shared loses the user's name instead.

        What the account can't do without until its end (the account itself, its sessions, the job that erases it) is
        left to go with it.

        Returns:
            How many; 0 when there is nothing left to erase.
        """
        ...
