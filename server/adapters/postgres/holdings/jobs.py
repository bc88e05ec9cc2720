"""What jobs hold: the user's background work."""

from sqlalchemy import Text, cast, column, delete, select, table, text

from server.adapters.postgres import queue
from server.adapters.postgres.holdings.held import Held, PostgresHoldings, of
from server.adapters.postgres.tables import JobRow
from server.adapters.postgres.unit_of_work import PostgresUnitOfWork
from server.jobs.domain.kinds import JobKind
from server.kernel.identity import UserId

_WAITING = table("procrastinate_jobs", column("queueing_lock"), column("status"), schema=queue.SCHEMA)
# The job that erases the account is needed until the end.
_THE_DELETION = JobRow.kind == JobKind.DELETION.value


class _JobHoldings(PostgresHoldings):
    async def erase(self, uow: PostgresUnitOfWork, user_id: UserId, most: int) -> int:
        """Erases jobs, and first what waits of them in the workers' queue."""
        theirs = select(cast(JobRow.id, Text)).where(JobRow.user_id == user_id, ~_THE_DELETION)
        waiting = _WAITING.c.status == text("'todo'")
        # The queue's triggers name nothing by schema.
        await uow.session.execute(queue.PATH)
        await uow.session.execute(delete(_WAITING).where(_WAITING.c.queueing_lock.in_(theirs), waiting))
        return await super().erase(uow, user_id, most)


JOBS = _JobHoldings(
    [
        Held(
            JobRow,
            "jobs/jobs",
            "Your background jobs, as long as they run and a week longer.",
            of(JobRow.user_id),
            spared=_THE_DELETION,
        )
    ]
)
"""What jobs hold."""
