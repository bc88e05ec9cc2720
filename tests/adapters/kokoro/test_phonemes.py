import pytest
from hypothesis import given
from hypothesis import strategies as st

from server.adapters.kokoro.phonemes import phonemes


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        (["オバーサン", "ワ", "サンポ", "シマ", "ス", "。"], "obaːsaɴ βa sampo ɕima sɨ."),
        (["キッテ", "オ", "、", "カ", "ウ"], "kʲiʔte o, ka ɯ"),
        (["ガッコー", "ノ", "シンブン"], "ɡaʔkoː no ɕimbɯɴ"),
        (["テンキ", "オンナ", "ニンジャ"], "teŋkʲi onna ɲiɲʥa"),
        (["リョコー", "ビョーイン", "シュッチョー"], "ɾʲokoː bʲoːiɴ ɕɨʔʨoː"),
        (["ティー", "ファン", "ウェブ", "ヴァ", "チェ"], "tʲiː ɸaɴ βebɯ va ʨe"),
    ],
)
def test_words_become_what_the_voices_were_trained_on(words: list[str], expected: str) -> None:
    assert "".join(part.text for part in phonemes(words)) == expected


@given(
    words=st.lists(
        st.text(alphabet="アキクケサシタチツナニハヒフマミヤユヨラリワガジダバパンッー", max_size=6), max_size=5
    )
)
def test_every_mora_has_its_phonemes_in_order(words: list[str]) -> None:
    numbered = [part.mora for part in phonemes(words) if part.mora is not None]
    assert numbered == list(range(sum(map(len, words))))
    assert all(part.text for part in phonemes(words))
