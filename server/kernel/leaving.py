"""What an account may still do that is being deleted."""

from __future__ import annotations

from server.errors import PermissionDenied, Reason


def deletion_started(job_id: str) -> PermissionDenied:
    """What its owner is told who asks for anything but to see the deletion.

    Args:
        job_id: the job that deletes the account.
    """
    return PermissionDenied(
        Reason.ACCOUNT_DELETION_STARTED, "This account is being deleted.", metadata={"job_id": job_id}
    )
