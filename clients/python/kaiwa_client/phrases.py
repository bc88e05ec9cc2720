"""English for what the contract leaves to clients: findings, notices, and why something was not judged."""

from __future__ import annotations

from collections.abc import Mapping

from kaiwa_client.models import Finding, Parameter

_FINDINGS: Mapping[str, str] = {
    "sound_substituted": "{word}: {expected} sounded like {heard}.",
    "sound_omitted": "{word}: {expected} was left out.",
    "sound_inserted": "{word}: there was an extra {heard}.",
    "word_omitted": "{word} ({reading}) was left out.",
    "long_vowel_shortened": "{word}: hold the long vowel; yours was {ratio} as long as it should be.",
    "short_vowel_lengthened": "{word}: keep the vowel short; yours was {ratio} as long as it should be.",
    "geminate_lost": "{word}: stop for a whole beat at the small っ; yours was {ratio} as long as it should be.",
    "geminate_added": "{word}: there is no small っ here; your consonant was {ratio} as long as it should be.",
    "nasal_lost": "{word}: give ん a beat of its own; {expected} sounded like {heard}.",
    "nasal_added": "{word}: there is no ん here; {expected} sounded like {heard}.",
    "voicing_lost": "{word}: {expected} is voiced; yours sounded like {heard}.",
    "voicing_added": "{word}: {expected} is not voiced; yours sounded like {heard}.",
    "accent_wrong": "{word}: the pitch should {expected_nucleus}; yours seemed to {heard_nucleus}.",
    "unexpected_break": "{word}: you paused for {pause} where no pause belongs.",
    "too_slow": "Try it a little faster: you read {morae_per_second} morae a second, native readings have 6 to 8.",
    "too_many_pauses": "Say it in fewer pieces: you paused {pauses} times.",
    "incomplete": "Read to the end: {morae_read} of {morae_total} morae were heard.",
    "well_done": "Well done.",
}
"""A template for every key of kaiwa.speech.v1.Finding."""

_BY_ERROR: Mapping[str, str] = {
    "none": "This was good{of_word}.",
    "omission": "Something was left out{of_word}.",
    "insertion": "Something was added{of_word}.",
    "substitution": "A sound was another one{of_word}.",
    "length": "Mind the length of the vowels{of_word}.",
    "geminate": "Mind the small っ{of_word}.",
    "nasal": "Mind the ん{of_word}.",
    "voicing": "Mind which sounds are voiced{of_word}.",
    "accent": "Mind the pitch accent{of_word}.",
    "unexpected_break": "There was a pause where none belongs{of_word}.",
}
"""What is said of a finding whose key, or whose parameters, this client does not know."""

_NOT_JUDGED: Mapping[str, str] = {
    "no_speech": "nobody was heard speaking",
    "too_short": "there was too little speech",
    "too_noisy": "the noise hides the speech",
    "other_content": "something else was said than the text",
    "other_language": "it was in another language",
    "clipped": "the recording is clipped too often",
}

_NOTICES: Mapping[str, str] = {
    "audio_too_quiet": "The voice is very quiet ({level_dbfs} dBFS).",
    "clipping": "The recording is clipped: the microphone is too loud or too near.",
    "noisy": "There is much noise.",
    "near_limit": "The utterance may last {remaining} more.",
    "utterance_cut": "The utterance was cut at {limit}.",
    "token_expiring": "The sign-in ends soon; this utterance will be finished.",
    "falling_behind": "The server is busy: what is shown comes late, the result is not affected.",
    "resumed": "The connection broke and goes on.",
    "started_again": "The connection broke and the server lost the recording; it is sent again.",
    "draining": "The server is about to restart; this utterance will be finished.",
    "assessment_unavailable": "The server can't score now; the attempt is stored without scores.",
    "saving_delayed": "Storing the attempt takes longer than usual.",
    "audio_not_kept": "The audio could not be stored, only the result.",
    "daily_limit_near": "{remaining} of audio are left for today.",
}


def finding(item: Finding) -> str:
    """A sentence for a finding; one by its kind of error where the key or a value is unknown."""
    values = _values(item.parameters)
    template = _FINDINGS.get(item.key)
    if template is not None:
        try:
            return template.format_map(values)
        except KeyError:
            pass
    of_word = f" in {values['word']}" if values.get("word") else ""
    return _BY_ERROR.get(item.error or "", "There is something to work on{of_word}.").format(of_word=of_word)


def notice(kind: str, parameters: tuple[Parameter, ...]) -> str | None:
    """A sentence for a notice; None for a kind that this client does not know."""
    template = _NOTICES.get(kind)
    if template is None:
        return None
    try:
        return template.format_map(_values(parameters))
    except KeyError:
        return template.partition(" (")[0].rstrip(".") + "."


def not_judged(reason: str | None) -> str:
    """Why something was not judged, as the end of a sentence."""
    return _NOT_JUDGED.get(reason or "", "the server did not say why")


def _values(parameters: tuple[Parameter, ...]) -> dict[str, str]:
    return {parameter.name: _text(parameter) for parameter in parameters if parameter.value is not None}


def _text(parameter: Parameter) -> str:
    if parameter.name.endswith("_nucleus") and parameter.count is not None:
        return "stay flat" if parameter.count == 0 else f"drop after mora {parameter.count}"
    if parameter.name == "ratio" and parameter.number is not None:
        return f"{parameter.number:.1f} times"
    if parameter.duration_ms is not None:
        return f"{parameter.duration_ms / 1000:.1f} s"
    if parameter.number is not None:
        return f"{parameter.number:.1f}"
    return str(parameter.value)
