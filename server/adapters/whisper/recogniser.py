"""Speech to text as the service asks for it: partials, finals, nothing for what is no speech."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from server.adapters.engine_threads import Backlog, EngineThreads, Meter, Priority
from server.adapters.whisper.gates import LanguageGate, SpeechGate, Voice, measure_voice
from server.adapters.whisper.guards import TokenRates, held_tone, loops, without_repetition
from server.adapters.whisper.model import LONGEST_FRAMES, Context, Decoded, Encoded, WhisperModel
from server.adapters.whisper.vad import SileroNetwork
from server.speech.domain.stability import keeping
from server.speech.ports import SAMPLE_RATE, Recognised, Samples

_ENGLISH = "en"
_NOTHING = Recognised(text="", confidence=None, language="", languages={})


@dataclass(frozen=True, slots=True)
class Recipe:
    """How audio becomes text.

    Attributes:
        context: what the encoder sees.
        early: what it sees in a partial of under a second, which is worth more soon than exact: kana error .253 in
            76 ms against .225 in 148 ms. What it breaks the guards catch, and the next partial mends.
        rates: how many tokens speech can need.
        speech: what counts as speech.
        language: what counts as another language.
        expected: the language when none is asked for.
        beam: width of the second decoding of a final.
        sure: mean log probability at which the greedy decoding of a final is good enough. A beam for every final is no
            better on people's voices (it doubles some sentences) and takes half as long again: kana error at -0.4 and
            with a beam always: words .199 and .199, sentences .085 and .142. About half the sentences need it.
        kept: how much less probable (natural logarithm, all tokens together) a transcript may be that begins as it was
            shown. Of two spellings as likely as that neither is better: kana error .082 with and without, while the
            characters taken back for each of the final text fall from .33 to .15.
    """

    context: Context = field(default_factory=Context)
    early: Context = field(default_factory=lambda: Context(floor=600))
    rates: TokenRates = field(default_factory=TokenRates)
    speech: SpeechGate = field(default_factory=SpeechGate)
    language: LanguageGate = field(default_factory=LanguageGate)
    expected: str = "ja"
    beam: int = 5
    sure: float = -0.4
    kept: float = 2.0


class WhisperRecogniser:
    """The recogniser on Whisper.

    Args:
        model: the weights.
        network: tells voice from noise.
        name: what the weights are called, such as `whisper-base`.
        workers: decodings at once; the model must have been loaded for as many.
        recipe: how audio becomes text.
        backlog: how much may wait.
        meter: takes measurements.
    """

    def __init__(
        self,
        model: WhisperModel,
        network: SileroNetwork,
        *,
        name: str,
        workers: int,
        recipe: Recipe | None = None,
        backlog: Backlog | None = None,
        meter: Meter | None = None,
    ) -> None:
        self._transcriber = Transcriber(model, network, recipe or Recipe())
        self._threads = EngineThreads(workers, backlog or Backlog(), name="whisper", engine="recognition", meter=meter)
        self._version = f"{name}-{model.compute_type}"

    @property
    def version(self) -> str:
        """Name of the weights and their precision, such as `whisper-base-int8_float32`."""
        return self._version

    def admit(self, speakers: int) -> None:
        """Lets another speaker in, beside this many who speak already.

        Raises:
            ResourceExhausted: SPEECH_OVERLOADED when not everyone could be served well.
        """
        self._threads.admit(speakers)

    async def partial(self, samples: Callable[[], Samples]) -> Recognised:
        """A quick transcript of unfinished speech; empty while there is nothing to believe.

        Args:
            samples: gives them, at most 30 s, when its turn has come; called in another thread.

        Raises:
            ResourceExhausted: SPEECH_OVERLOADED.
            Unavailable: SHUTTING_DOWN.
        """
        return await self._threads.run(Priority.PARTIAL, lambda: self._transcriber.partial(samples()))

    async def final(
        self, samples: Samples, *, language: str | None = None, shown: str = "", live: bool = True, known: bool = False
    ) -> Recognised:
        """The best transcript of a stretch of speech; goes before every partial.

        Args:
            samples: at most 30 s.
            language: what is expected as a BCP 47 tag; what is clearly another language is transcribed in that one.
            shown: what was shown of it; of two transcripts as good as each other the one that begins so is taken.
            live: whether somebody has just said it; a file takes turns with partials.
            known: whether it is known what is to be said; else short English that sounds Japanese is looked at twice.

        Raises:
            ResourceExhausted: SPEECH_OVERLOADED.
            Unavailable: SHUTTING_DOWN.
        """
        return await self._threads.run(
            Priority.FINAL if live else Priority.FILE,
            lambda: self._transcriber.final(
                samples, language, lambda: self._threads.finals_waiting > 0, shown, known=known
            ),
        )

    def close(self) -> None:
        """Ends the threads."""
        self._threads.close()


class Transcriber:
    """The recipe, in the calling thread."""

    def __init__(self, model: WhisperModel, network: SileroNetwork, recipe: Recipe) -> None:
        self._model = model
        self._network = network
        self._recipe = recipe

    def partial(self, samples: Samples) -> Recognised:
        """One greedy decoding; nothing where it isn't speech in the expected language or runs away."""
        recipe = self._recipe
        voice = measure_voice(self._network.judge(samples))
        if not recipe.speech.voiced(voice):
            return _NOTHING
        encoded = self._model.encode(samples, recipe.early if len(samples) < SAMPLE_RATE else recipe.context)
        languages = self._model.languages(encoded)
        language = recipe.language.decide(languages, recipe.expected, voice.certain)
        if language != recipe.expected:
            return Recognised("", None, language, languages)
        decoded = self._decode(encoded, language, voice, beam=1)
        text = decoded.text
        if self._unbelievable(decoded, voice):
            return _NOTHING
        if self._suspicious(decoded, voice):
            kept = without_repetition(text)
            text = kept if kept != text else ""
        return _recognised(text, decoded, language, languages)

    def final(
        self, samples: Samples, language: str | None, hurry: Callable[[], bool], shown: str = "", *, known: bool = False
    ) -> Recognised:
        """Greedy; where that is unsure a beam on the same encoding; where both run away, again with the full window.

        Args:
            samples: at most 30 s.
            language: what is expected.
            hurry: whether others wait, so that a sound greedy decoding must do.
            shown: what was shown of it.
            known: whether it is known what is to be said, so that the language is hardly in question.
        """
        recipe = self._recipe
        voice = measure_voice(self._network.judge(samples))
        if not recipe.speech.voiced(voice):
            return _NOTHING
        encoded = self._model.encode(samples, recipe.context)
        languages = self._model.languages(encoded)
        spoken = recipe.language.decide(languages, self._expected(language), voice.certain)
        best = self._best(samples, encoded, spoken, voice, hurry)
        if best is None or self._unbelievable(best, voice):
            return _NOTHING
        if not known and spoken == recipe.expected and recipe.language.doubtful(languages, spoken):
            english = self._decode(encoded, _ENGLISH, voice, beam=1)
            if recipe.language.rather_english(best.logprob, english.logprob):
                return _recognised(without_repetition(english.text), english, _ENGLISH, languages)
        return _recognised(self._kept(encoded, spoken, best.text, shown), best, spoken, languages)

    def _kept(self, encoded: Encoded, language: str, text: str, shown: str) -> str:
        """The text as it was shown, where that is about as probable."""
        kept = keeping(shown, text)
        if kept is None or language != self._recipe.expected:
            return text
        loss = self._model.logprob(encoded, language, text) - self._model.logprob(encoded, language, kept)
        return kept if loss <= self._recipe.kept else text

    def _best(
        self, samples: Samples, encoded: Encoded, language: str, voice: Voice, hurry: Callable[[], bool]
    ) -> Decoded | None:
        recipe = self._recipe
        greedy = self._decode(encoded, language, voice, beam=1)
        sound = None if self._suspicious(greedy, voice) else greedy
        if sound is not None and (sound.logprob >= recipe.sure or hurry()):
            return sound
        wide = self._decode(encoded, language, voice, beam=recipe.beam)
        if not self._suspicious(wide, voice):
            return wide
        if sound is not None:
            return sound
        again = self._model.encode(samples, recipe.context, frames=LONGEST_FRAMES)
        full = self._decode(again, language, voice, beam=recipe.beam)
        if not self._suspicious(full, voice):
            return full
        return next((mended for tried in (full, wide, greedy) if (mended := self._mended(tried, voice))), None)

    def _mended(self, decoded: Decoded, voice: Voice) -> Decoded | None:
        """The decoding up to where it repeats itself, if that is short enough to have been said."""
        kept = without_repetition(decoded.text)
        tokens = math.ceil(decoded.tokens * len(kept) / max(1, len(decoded.text)))
        if kept == decoded.text or self._recipe.rates.runaway(tokens, voice.possible):
            return None
        return Decoded(kept, tokens, decoded.logprob, decoded.no_speech)

    def _decode(self, encoded: Encoded, language: str, voice: Voice, *, beam: int) -> Decoded:
        most = self._recipe.rates.limit(voice.possible)
        return self._model.decode(encoded, language, beam=beam, most_tokens=most)

    def _suspicious(self, decoded: Decoded, voice: Voice) -> bool:
        return self._recipe.rates.runaway(decoded.tokens, voice.possible) or loops(decoded.text)

    def _unbelievable(self, decoded: Decoded, voice: Voice) -> bool:
        believed = self._recipe.speech.believable(voice, decoded.no_speech, decoded.logprob)
        return not believed or held_tone(decoded.text, voice.certain)

    def _expected(self, language: str | None) -> str:
        code = (language or "").split("-")[0].lower()
        return code if code and self._model.knows(code) else self._recipe.expected


def _recognised(text: str, decoded: Decoded, language: str, languages: Mapping[str, float]) -> Recognised:
    if not text:
        return Recognised("", None, language, languages)
    return Recognised(text, min(1.0, math.exp(decoded.logprob)), language, languages)
