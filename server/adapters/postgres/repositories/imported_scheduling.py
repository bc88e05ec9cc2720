"""Cards that imports bring to a learner, with their schedule and log."""

import uuid
import zoneinfo
from collections.abc import Sequence
from dataclasses import replace
from datetime import date, datetime, timedelta, tzinfo

from sqlalchemy import select, tuple_, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from server.adapters.postgres.tables import CardRow, ChangeCounterRow, ReviewRow, UserRow
from server.content.domain.anki_schedule import TakenReview, TakenState, reviews_of, state_of
from server.content.domain.imports import Counts, Outcome
from server.content.ports.imports import Collection, ImportedCard, TakenOver
from server.kernel.identity import UserId

_NAMESPACE = uuid.UUID("8f0f5b1e-6c1c-5d2e-9d7b-0d4a3a1f6b52")
"""Of the ids of imported cards and reviews: the same import gives the same ids."""
_VERSION = "anki"
_NEW = TakenState("new", suspended=False)


class PostgresImportedScheduling:
    """Takes cards over. What a learner has answered here since an import is never taken back by the next one."""

    def __init__(self, session: AsyncSession) -> None:
        self._session = session

    async def take_over(
        self, owner_id: UserId, cards: Sequence[ImportedCard], collection: Collection, now: datetime
    ) -> TakenOver:
        """Adds cards with their state and log, or brings up to date what was imported before."""
        zone = await self._zone(owner_id)
        keys = [(card.note_guid, card.scheduled.template) for card in cards]
        query = select(CardRow.id, CardRow.import_note_guid, CardRow.import_template, CardRow.deleted_at).where(
            CardRow.user_id == owner_id, tuple_(CardRow.import_note_guid, CardRow.import_template).in_(keys)
        )
        present = {(row[1], row[2]): row for row in (await self._session.execute(query)).all()}
        answered = await self._answered_here([row[0] for row in present.values()])
        sequence = await self._next_sequence(owner_id)
        counts, reviews, bad = Counts(), Counts(), []
        done: set[tuple[str, int]] = set()
        for card in cards:
            key = (card.note_guid, card.scheduled.template)
            if key in done:
                counts = counts.with_one(Outcome.DUPLICATE)
                continue
            done.add(key)
            state, log, wrong = _understood(card, collection, zone)
            bad += [(card.note_guid, what) for what in wrong]
            reviews = replace(reviews, refused=reviews.refused + len(card.scheduled.reviews) - len(log))
            row = present.get(key)
            if row is None:
                card_id = str(uuid.uuid5(_NAMESPACE, f"{owner_id}/{card.note_guid}/{card.scheduled.template}"))
                await self._session.execute(
                    insert(CardRow).values(
                        id=card_id,
                        user_id=owner_id,
                        sentence_id=card.sentence_id,
                        skill=card.scheduled.skill,
                        import_note_guid=card.note_guid,
                        import_template=card.scheduled.template,
                        created_at=now,
                        **_columns(state, log, sequence, now, zone),
                    )
                )
                added = await self._add_reviews(owner_id, card_id, card, log, sequence, now, zone)
                await self._place(owner_id, card_id, card, state, sequence, now)
                counts = counts.with_one(Outcome.ADDED)
            else:
                added = await self._add_reviews(owner_id, row[0], card, log, sequence, now, zone)
                if added or row[3] is not None:
                    columns: dict[str, object] = {"deleted_at": None, "sequence": sequence, "updated_at": now}
                    if row[0] not in answered:
                        columns |= _columns(state, log, sequence, now, zone)
                        await self._place(owner_id, row[0], card, state, sequence, now)
                    if row[3] is not None:
                        # Its sentence was deleted, or it was, and comes back.
                        columns["sentence_id"] = card.sentence_id
                    await self._session.execute(update(CardRow).where(CardRow.id == row[0]).values(**columns))
                    counts = counts.with_one(Outcome.UPDATED)
                else:
                    counts = counts.with_one(Outcome.UNCHANGED)
            reviews = replace(reviews, added=reviews.added + added, unchanged=reviews.unchanged + len(log) - added)
        return TakenOver(counts, reviews, tuple(bad))

    async def _zone(self, owner_id: UserId) -> tzinfo:
        name = (await self._session.execute(select(UserRow.time_zone).where(UserRow.id == owner_id))).scalar_one()
        return zoneinfo.ZoneInfo(name)

    async def _answered_here(self, card_ids: Sequence[str]) -> frozenset[str]:
        """Those of the cards that were answered here, not only in what was imported."""
        query = (
            select(ReviewRow.card_id).where(ReviewRow.card_id.in_(card_ids), ReviewRow.imported.is_(False)).distinct()
        )
        return frozenset((await self._session.execute(query)).scalars())

    async def _next_sequence(self, owner_id: UserId) -> int:
        statement = insert(ChangeCounterRow).values(user_id=owner_id, last_sequence=1)
        statement = statement.on_conflict_do_update(
            index_elements=[ChangeCounterRow.user_id], set_={"last_sequence": ChangeCounterRow.last_sequence + 1}
        )
        return (await self._session.execute(statement.returning(ChangeCounterRow.last_sequence))).scalar_one()

    async def _add_reviews(
        self,
        owner_id: UserId,
        card_id: str,
        card: ImportedCard,
        log: Sequence[TakenReview],
        sequence: int,
        now: datetime,
        zone: tzinfo,
    ) -> int:
        """Adds what is not in the log yet; returns how many that are."""
        if not log:
            return 0
        before = "new"
        rows: list[dict[str, object]] = []
        name = f"{owner_id}/{card.note_guid}/{card.scheduled.template}"
        for review in log:
            due = review.interval is not None and review.given_state == "review"
            rows.append(
                {
                    "user_id": owner_id,
                    "id": str(uuid.uuid5(_NAMESPACE, f"{name}/{review.key}")),
                    "card_id": card_id,
                    "kind": review.kind,
                    "rating": review.rating,
                    "client_time": review.at,
                    "effective_at": review.at,
                    "received_at": now,
                    "time_taken_ms": review.time_taken_ms,
                    "rating_source": None if review.rating is None else "learner",
                    "imported": True,
                    "scheduler": "sm2" if review.ease is not None else "fsrs",
                    "scheduler_version": _VERSION,
                    "state_before": before,
                    "given_state": review.given_state,
                    "given_step": None,
                    "given_interval_seconds": None if review.interval is None else int(review.interval.total_seconds()),
                    "given_due_at": review.at + review.interval if review.interval is not None and not due else None,
                    "given_due_day": _day(review.at, zone) + review.interval if due and review.interval else None,
                    "given_difficulty": review.difficulty,
                    "given_ease_factor": review.ease,
                    "sequence": sequence,
                }
            )
            before = review.given_state
        statement = insert(ReviewRow).values(rows).on_conflict_do_nothing().returning(ReviewRow.id)
        return len((await self._session.execute(statement)).all())

    async def _place(
        self, owner_id: UserId, card_id: str, card: ImportedCard, state: TakenState, sequence: int, now: datetime
    ) -> None:
        """Ends the log of a card that has a schedule with an entry that puts it where it was."""
        if state.state == "new" and not state.suspended:
            return
        name = (
            f"{owner_id}/{card.note_guid}/{card.scheduled.template}/{sorted((card.scheduled.schedule or {}).items())}"
        )
        fsrs = _by_fsrs(state)
        row = {
            "user_id": owner_id,
            "id": str(uuid.uuid5(_NAMESPACE, name)),
            "card_id": card_id,
            "kind": "rescheduled",
            "client_time": now,
            "effective_at": now,
            "received_at": now,
            "imported": True,
            "scheduler": "fsrs" if fsrs else "sm2",
            "scheduler_version": _VERSION,
            "state_before": state.state,
            "given_state": state.state,
            "given_step": 0 if state.state in ("learning", "relearning") else None,
            "given_interval_seconds": None if state.interval is None else int(state.interval.total_seconds()),
            "given_due_at": state.due_at,
            "given_due_day": state.due_day,
            "given_stability": state.stability if fsrs else None,
            "given_difficulty": state.difficulty if fsrs else None,
            "given_ease_factor": None if fsrs else state.ease,
            "suspended_card": state.suspended,
            "sequence": sequence,
        }
        await self._session.execute(insert(ReviewRow).values(**row).on_conflict_do_nothing())


def _by_fsrs(state: TakenState) -> bool:
    return state.state == "new" or state.stability is not None


def _understood(
    card: ImportedCard, collection: Collection, zone: tzinfo
) -> tuple[TakenState, list[TakenReview], list[str]]:
    wrong: list[str] = []
    log, bad = reviews_of(card.scheduled.reviews)
    if bad:
        wrong.append(f"{bad} entries of the log can't be understood.")
    if card.scheduled.schedule is None:
        return _NEW, log, wrong
    try:
        state = state_of(card.scheduled.schedule, collection.created, collection.rollover_hour, zone)
    except (ValueError, OverflowError, OSError) as error:
        return _NEW, log, [*wrong, f"The schedule can't be understood: {error}."]
    return state, log, wrong


def _columns(
    state: TakenState, log: Sequence[TakenReview], sequence: int, now: datetime, zone: tzinfo
) -> dict[str, object]:
    answers = [review for review in log if review.rating is not None]
    right = [(review.rating or 0) > 1 for review in answers]
    streak = best = 0
    for each in right:
        streak = streak + 1 if each else 0
        best = max(best, streak)
    last = answers[-1].at if answers else None
    timed = [review.time_taken_ms for review in answers if review.time_taken_ms is not None]
    fsrs = _by_fsrs(state)
    return {
        "new_position": state.position,
        "scheduler": "fsrs" if fsrs else "sm2",
        "state": state.state,
        "step": 0 if state.state in ("learning", "relearning") else None,
        "due_at": state.due_at,
        "due_day": state.due_day,
        "base_due_day": state.due_day,
        "interval_seconds": None if state.interval is None else int(state.interval.total_seconds()),
        "memory_day": state.due_day - state.interval
        if state.due_day is not None and state.interval is not None
        else None
        if state.state == "new"
        else _day(last or now, zone),
        "last_review_at": last,
        "last_answer_day": None if last is None else _day(last, zone),
        "last_event_at": now if state.state != "new" or state.suspended else log[-1].at if log else None,
        "stability": state.stability,
        "difficulty": state.difficulty,
        "ease_factor": None if fsrs else state.ease,
        "reps": len(answers),
        "lapses": sum(review.kind == "review" and review.rating == 1 for review in answers),
        "times_correct": sum(right),
        "times_incorrect": len(right) - sum(right),
        "current_streak": streak,
        "best_streak": best,
        "timed_answers": len(timed),
        "total_response_ms": sum(timed),
        "suspended": state.suspended,
        "sequence": sequence,
        "updated_at": now,
    }


def _day(at: datetime, zone: tzinfo) -> date:
    # Days turn over at 4 in the morning unless the learner has set it otherwise.
    return (at.astimezone(zone) - timedelta(hours=4)).date()
