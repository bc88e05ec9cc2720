"""The demo accounts of a first start."""

from __future__ import annotations

import json
import os
import secrets
from pathlib import Path

from server.accounts.create_account import CreateAccount, NewAccount
from server.accounts.domain.password import Password
from server.config import Settings
from server.kernel.identity import Role


async def make_demo_accounts(settings: Settings, port: int, create_account: CreateAccount) -> None:
    """Makes the demo learner and teacher, and keeps how to sign in as them where only this user can read it."""
    path = settings.home / "demo.json"
    kept = json.loads(path.read_text("utf-8")) if path.exists() else {}
    demo: dict[str, object] = {"address": f"127.0.0.1:{port}"}
    for name, role in (("learner", Role.STUDENT), ("teacher", Role.TEACHER)):
        known = kept.get(name, {})
        email = known.get("email", f"{name}@demo.invalid")
        password = known.get("password", secrets.token_urlsafe(18))
        await create_account(NewAccount(email, f"demo-{name}", Password(password), role), overwrite=True)
        demo[name] = {"email": email, "password": password}
    _write_private(path, json.dumps(demo, indent=2))


def _write_private(path: Path, text: str) -> None:
    draft = path.with_suffix(".new")
    draft.touch(0o600)
    draft.write_text(text, "utf-8")
    os.replace(draft, path)
