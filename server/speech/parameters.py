"""Reads the figures of the assessment."""

from __future__ import annotations

import tomllib
from functools import cache
from pathlib import Path

from server.speech.domain.parameters import AssessmentParameters, read_parameters

FILE = Path(__file__).with_name("assessment.toml")


@cache
def assessment_parameters() -> AssessmentParameters:
    """The figures that come with this version.

    Raises:
        ValueError: the file does not fit the code.
    """
    return read_parameters(tomllib.loads(FILE.read_text("utf-8")))
