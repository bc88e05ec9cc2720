"""What the tables hold by themselves, whatever the code above does."""

from collections.abc import Callable

import pytest
from sqlalchemy import UniqueConstraint, delete, func, insert, select, text
from sqlalchemy.exc import IntegrityError

from server.adapters.postgres.failures import violated
from server.adapters.postgres.tables import Base, CardRow, ReviewRow, SentenceRow, UserRow
from server.adapters.postgres.unit_of_work import PostgresUnitOfWork
from tests.support.rows import NOW, add_card, add_sentence, add_user

Open = Callable[[], PostgresUnitOfWork]


async def test_japanese_is_found_by_trigrams(unit_of_work: Open) -> None:
    async with unit_of_work() as uow:
        trigrams = (await uow.session.execute(text("SELECT cardinality(show_trgm('学校へ行く'))"))).scalar_one()
        assert trigrams > 0
        wanted = await add_sentence(uow.session, japanese="毎日、学校へ行きます。")
        await add_sentence(uow.session, japanese="猫が好きです。")
        await uow.session.execute(text("SET LOCAL enable_seqscan = off"))
        query = select(SentenceRow.id).where(SentenceRow.japanese.ilike("%学校へ%"))
        assert (await uow.session.execute(query)).scalars().all() == [wanted]
        plan = await uow.session.execute(
            text("EXPLAIN SELECT id FROM sentences WHERE japanese ILIKE '%学校へ%' OR reading ILIKE '%がっこう%'")
        )
        assert "ix_sentences_japanese_trigrams" in "\n".join(plan.scalars())


async def test_deleting_an_account_leaves_nothing_of_it(unit_of_work: Open) -> None:
    async with unit_of_work() as uow:
        session = uow.session
        user = await add_user(session)
        shared, own = await add_sentence(session), await add_sentence(session, owner_id=user)
        for sentence in (shared, own):
            await add_card(session, user_id=user, sentence_id=sentence)
        await session.execute(delete(UserRow).where(UserRow.id == user))
        assert (await session.execute(select(SentenceRow.id))).scalars().all() == [shared]
        assert (await session.execute(select(func.count()).select_from(CardRow))).scalar_one() == 0


async def test_a_sentence_that_is_learnt_is_not_removed(unit_of_work: Open) -> None:
    async with unit_of_work() as uow:
        user, sentence = await add_user(uow.session), await add_sentence(uow.session)
        await add_card(uow.session, user_id=user, sentence_id=sentence)
        with pytest.raises(IntegrityError) as caught:
            await uow.session.execute(delete(SentenceRow).where(SentenceRow.id == sentence))
    assert violated(caught.value) == "fk_cards_sentence_id"


async def test_a_review_belongs_to_its_own_users_card(unit_of_work: Open) -> None:
    async with unit_of_work() as uow:
        session = uow.session
        mika = await add_user(session)
        ken = await add_user(session, email="ken@example.org", username="ken")
        card = await add_card(session, user_id=mika, sentence_id=await add_sentence(session))
        with pytest.raises(IntegrityError) as caught:
            await session.execute(
                insert(ReviewRow).values(
                    user_id=ken,
                    id=card,
                    card_id=card,
                    kind="learning",
                    rating=3,
                    rating_source="learner",
                    client_time=NOW,
                    effective_at=NOW,
                    received_at=NOW,
                    scheduler="fsrs",
                    scheduler_version="fsrs 6.3.2",
                    state_before="new",
                    given_state="learning",
                    sequence=1,
                )
            )
    assert violated(caught.value) == "fk_reviews_user_id_card_id"


async def test_siblings_are_cards_of_different_skills(unit_of_work: Open) -> None:
    async with unit_of_work() as uow:
        user, sentence = await add_user(uow.session), await add_sentence(uow.session)
        for skill in ("reading", "listening", "speaking"):
            await add_card(uow.session, user_id=user, sentence_id=sentence, skill=skill)
        with pytest.raises(IntegrityError) as caught:
            await add_card(uow.session, user_id=user, sentence_id=sentence)
    assert violated(caught.value) == "uq_cards_skill"


async def test_a_private_sentence_has_an_owner(unit_of_work: Open) -> None:
    async with unit_of_work() as uow:
        sentence = await add_sentence(uow.session)
        with pytest.raises(IntegrityError) as caught:
            await uow.session.execute(
                text("UPDATE sentences SET visibility = 'private' WHERE id = :id"), {"id": sentence}
            )
    assert violated(caught.value) == "ck_sentences_private_has_owner"


def test_every_foreign_key_has_an_index() -> None:
    """Without one, deleting what it points to reads the whole table."""
    missing = []
    for table in Base.metadata.sorted_tables:
        leading = [[column.name for column in index.columns] for index in table.indexes]
        leading.append([column.name for column in table.primary_key])
        leading += [
            [column.name for column in constraint.columns]
            for constraint in table.constraints
            if isinstance(constraint, UniqueConstraint)
        ]
        for key in table.foreign_key_constraints:
            names = key.column_keys
            if not any(columns[: len(names)] == names for columns in leading):
                missing.append(key.name)
    assert missing == []
