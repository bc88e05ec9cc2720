"""Settings come from the environment, once, and tell everything that is wrong with them."""

from __future__ import annotations

import re
from datetime import timedelta
from pathlib import Path

import pytest

from server.config import Mails, Settings, SettingsError, Smtp


def test_the_defaults() -> None:
    assert Settings.from_environment({}) == Settings()


def test_an_empty_variable_is_not_set() -> None:
    assert Settings.from_environment({"KAIWA_LISTEN": "  "}) == Settings()


def test_everything_can_be_set() -> None:
    settings = Settings.from_environment(
        {
            "KAIWA_HOME": "somewhere",
            "KAIWA_DATABASE_URL": "postgresql://u:p@db/kaiwa",
            "KAIWA_LISTEN": "0.0.0.0:1",
            "KAIWA_METRICS_LISTEN": "off",
            "KAIWA_SERVICES": "speech, content",
            "KAIWA_ACCESS_TOKEN_SECONDS": "60",
            "KAIWA_STREAMS_PER_USER": "9",
            "KAIWA_SMTP_URL": "smtp://kaiwa%40example.org:p%3Aw@mail.example.org",
            "KAIWA_MAIL_FROM": "Kaiwa <no-reply@example.org>",
            "KAIWA_APP_URL": "https://app.example/",
            "KAIWA_DEMO": "1",
        }
    )
    smtp = Smtp("mail.example.org", 587, implicit_tls=False, user="kaiwa@example.org", password="p:w")
    assert settings.mails == Mails(smtp, "Kaiwa <no-reply@example.org>", "https://app.example")
    assert "p:w" not in repr(settings)
    assert settings.home == Path("somewhere")
    assert settings.keys == Path("somewhere/keys")
    assert settings.database_url == "postgresql+psycopg://u:p@db/kaiwa"
    assert settings.listen == "0.0.0.0:1"
    assert settings.metrics_listen is None
    assert settings.services == ("speech", "content")
    assert settings.tokens.access == timedelta(minutes=1)
    assert settings.speech.streams_a_user == 9
    assert settings.demo


def test_all_that_is_wrong_is_told_at_once() -> None:
    with pytest.raises(SettingsError) as caught:
        Settings.from_environment(
            {
                "KAIWA_DATABASE_URL": "mysql://x",
                "KAIWA_LISTEN": "nowhere",
                "KAIWA_SERVICES": "speech,singing",
                "KAIWA_RATE_NORMAL": "0",
                "KAIWA_IDLE_TIMEOUT_SECONDS": "soon",
                "KAIWA_DEMO": "maybe",
                "KAIWA_LOG_FORMAT": "xml",
            }
        )
    lines = str(caught.value).splitlines()
    assert [line.partition(":")[0] for line in lines] == [
        "KAIWA_DATABASE_URL",
        "KAIWA_LISTEN",
        "KAIWA_SERVICES",
        "KAIWA_LOG_FORMAT",
        "KAIWA_DEMO",
        "KAIWA_RATE_NORMAL",
        "KAIWA_IDLE_TIMEOUT_SECONDS",
    ]


def test_every_setting_is_documented() -> None:
    root = Path(__file__).parents[1]
    read = set(re.findall(r'"(KAIWA_[A-Z_]+)"', (root / "server/config.py").read_text("utf-8")))
    documented = set(re.findall(r"`(KAIWA_[A-Z_]+)`", (root / "docs/settings.md").read_text("utf-8")))
    assert len(read) > 30
    assert read <= documented
    assert documented - read == {"KAIWA_ADDRESS", "KAIWA_TOKEN", "KAIWA_PASSWORD"}


@pytest.mark.parametrize(
    ("text", "port", "implicit_tls"),
    [("smtp://mail", 587, False), ("smtps://mail", 465, True), ("smtp://mail:25/", 25, False)],
)
def test_a_mail_server_without_a_user(text: str, port: int, implicit_tls: bool) -> None:
    settings = Settings.from_environment({"KAIWA_SMTP_URL": text})
    assert settings.mails.smtp == Smtp("mail", port, implicit_tls, None, None)


@pytest.mark.parametrize(
    ("name", "text"),
    [
        *(("KAIWA_SMTP_URL", text) for text in ("mail:25", "http://mail", "smtp://", "smtp://mail:port", "smtp://a/b")),
        *(("KAIWA_MAIL_FROM", text) for text in ("Kaiwa", "Kaiwa <kaiwa@example.org>\nBcc: a@example.org")),
        *(("KAIWA_APP_URL", text) for text in ("app.example", "ftp://app.example", "https://app.example/#x")),
    ],
)
def test_mail_settings_that_can_not_be_used(name: str, text: str) -> None:
    with pytest.raises(SettingsError, match=name):
        Settings.from_environment({name: text})
