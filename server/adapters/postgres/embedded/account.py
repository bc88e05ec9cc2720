"""Who PostgreSQL runs as, and what that account may reach.

PostgreSQL refuses to run as root. Started by root it runs under an account without privileges, which owns the data and
is let through the folders above it (a clone in /root, say) by the least that does it: permission to search, for this
one account, where the file system has access lists.
"""

import errno
import logging
import os
import pwd
import shutil
import struct
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from server.adapters.postgres.embedded.errors import EmbeddedPostgresError

log = logging.getLogger("kaiwa.postgres")

OWN_ACCOUNT = "kaiwa-postgres"

_ACL = "system.posix_acl_access"
_ACL_VERSION = 2
_USER_OBJ, _USER, _GROUP_OBJ, _GROUP, _MASK, _OTHER = 0x01, 0x02, 0x04, 0x08, 0x10, 0x20
_NO_ID = 0xFFFFFFFF
_SEARCH = 1


@dataclass(frozen=True, slots=True)
class Account:
    """A user of the operating system.

    Attributes:
        uid: number of the user.
        gid: number of their primary group.
        name: for messages.
    """

    uid: int
    gid: int
    name: str


def account_for(data: Path) -> Account | None:
    """The account to run PostgreSQL as; None: the user we run as ourselves.

    Started by root: the owner of data that is there already, else `postgres`, `kaiwa-postgres` (made if it can be) or
    `nobody`, the first that exists.
    """
    if os.geteuid() != 0:
        return None
    if data.exists() and (owner := data.stat()).st_uid != 0:
        return Account(owner.st_uid, owner.st_gid, _name_of(owner.st_uid))
    account = _named("postgres") or _named(OWN_ACCOUNT) or _made() or _named("nobody")
    if account is None:
        raise EmbeddedPostgresError(
            "PostgreSQL refuses to run as root, and there is no account to run it as: add one with "
            f"`useradd --system {OWN_ACCOUNT}`, run Kaiwa as an ordinary user, or set KAIWA_DATABASE_URL."
        )
    return account


def let_reach(account: Account, path: Path) -> None:
    """Lets an account pass through the folders above `path`, if it can't yet.

    Raises:
        EmbeddedPostgresError: a folder stays closed, whatever we grant.
    """
    folders = [*reversed(path.resolve().parents)]
    for _ in folders:
        closed = _first_closed(account, folders)
        if closed is None:
            return
        _grant_search(account, closed)
        if _first_closed(account, [closed]) is not None:
            raise EmbeddedPostgresError(
                f"PostgreSQL runs as {account.name}, who can't pass through {closed}: allow it, or set KAIWA_HOME to a "
                "folder elsewhere."
            )


def let_run(account: Account, programs: Sequence[Path], files: Sequence[Path]) -> None:
    """Lets an account run programs, whatever the umask was when they were unpacked.

    Args:
        programs: the programs; each is tried with `--version`.
        files: the folders with all that the programs need.
    """
    for folder in files:
        let_reach(account, folder / "inside")
    if all(_succeeds(account, [str(program), "--version"]) for program in programs):
        return
    for folder in files:
        log.warning("making %s readable for all users, so that %s can run it", folder, account.name)
        for file in (folder, *folder.rglob("*")):
            if not file.is_symlink():
                mode = file.stat().st_mode
                runs = file.is_dir() or mode & 0o100
                file.chmod(mode | (0o555 if runs else 0o444))


def _named(name: str) -> Account | None:
    try:
        entry = pwd.getpwnam(name)
    except KeyError:
        return None
    return None if entry.pw_uid == 0 else Account(entry.pw_uid, entry.pw_gid, name)


def _name_of(uid: int) -> str:
    try:
        return pwd.getpwuid(uid).pw_name
    except KeyError:
        return f"user {uid}"


def _made() -> Account | None:
    useradd = shutil.which("useradd", path="/usr/sbin:/usr/bin:/sbin:/bin")
    if useradd is None:
        return None
    options = ["--system", "--user-group", "--no-create-home", "--home-dir", "/nonexistent"]
    shell = ["--shell", "/usr/sbin/nologin"]
    made = subprocess.run([useradd, *options, *shell, OWN_ACCOUNT], capture_output=True, text=True, check=False)
    if made.returncode != 0:
        log.warning("could not add the account %s: %s", OWN_ACCOUNT, made.stderr.strip())
        return None
    log.warning("added the account %s, to run PostgreSQL as", OWN_ACCOUNT)
    return _named(OWN_ACCOUNT)


def _first_closed(account: Account, folders: Sequence[Path]) -> Path | None:
    # Asked of the kernel by a process of that account: modes and access lists alone don't tell everything.
    script = 'i=0; for d; do [ -x "$d" ] || { echo $i; exit; }; i=$((i+1)); done'
    answer = _run(account, ["/bin/sh", "-c", script, "sh", *map(str, folders)])
    if answer.returncode != 0:
        raise EmbeddedPostgresError(f"can't run a program as {account.name}: {answer.stderr.strip()}")
    return folders[int(answer.stdout)] if answer.stdout.strip() else None


def _succeeds(account: Account, command: Sequence[str]) -> bool:
    return _run(account, command).returncode == 0


def _run(account: Account, command: Sequence[str]) -> subprocess.CompletedProcess[str]:
    try:
        return subprocess.run(
            command,
            cwd="/",
            env={"PATH": os.defpath},
            user=account.uid,
            group=account.gid,
            extra_groups=[],
            capture_output=True,
            text=True,
            check=False,
        )
    except PermissionError as error:
        return subprocess.CompletedProcess(command, 126, "", str(error))


def _grant_search(account: Account, folder: Path) -> None:
    try:
        _grant_by_acl(account.uid, folder)
        log.warning("let %s (and nobody else) pass through %s, to reach PostgreSQL's files", account.name, folder)
    except OSError:
        status = folder.stat()
        if status.st_uid == account.uid:
            bit = 0o100
        elif status.st_gid == account.gid:
            bit = 0o010
        else:
            bit = 0o001
        folder.chmod(status.st_mode | bit)
        log.warning(
            "let %s pass through %s, to reach PostgreSQL's files, by mode %o: its file system has no access lists",
            account.name,
            folder,
            (status.st_mode | bit) & 0o7777,
        )


def _grant_by_acl(uid: int, folder: Path) -> None:
    """Adds `user:UID:--x` to a folder's POSIX access list (the layout is that of Linux's posix_acl_xattr.h)."""
    if sys.platform != "linux":
        raise OSError(errno.ENOTSUP, "no POSIX access lists here")
    permissions = _acl_of(folder)
    permissions[(_USER, uid)] = permissions.get((_USER, uid), 0) | _SEARCH
    grouped = [bits for (tag, _), bits in permissions.items() if tag in (_USER, _GROUP_OBJ, _GROUP)]
    mask = permissions.get((_MASK, _NO_ID))
    if mask is None:
        mask = 0
        for bits in grouped:
            mask |= bits
    permissions[(_MASK, _NO_ID)] = mask | _SEARCH
    entries = [struct.pack("<HHI", tag, permissions[(tag, who)], who) for tag, who in sorted(permissions)]
    os.setxattr(folder, _ACL, struct.pack("<I", _ACL_VERSION) + b"".join(entries))


def _acl_of(folder: Path) -> dict[tuple[int, int], int]:
    """A folder's access list, (tag, id) to permission bits; the one its mode amounts to where it has none."""
    if sys.platform != "linux":
        return {}
    try:
        raw = os.getxattr(folder, _ACL)
    except OSError as error:
        if error.errno != errno.ENODATA:
            raise
        mode = folder.stat().st_mode
        return {
            (_USER_OBJ, _NO_ID): mode >> 6 & 7,
            (_GROUP_OBJ, _NO_ID): mode >> 3 & 7,
            (_OTHER, _NO_ID): mode & 7,
        }
    return {(tag, who): bits for tag, bits, who in struct.iter_unpack("<HHI", raw[4:])}
