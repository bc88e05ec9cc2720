"""The command `kaiwa`."""

from __future__ import annotations

import os


def main() -> int:
    """The entry point of `kaiwa`.

    Returns:
        The exit code.
    """
    # gRPC writes about broken connections to stderr, which are told in our own words; it decides so when it is first
    # imported.
    os.environ.setdefault("GRPC_VERBOSITY", "NONE")
    from kaiwa_client.cli.entry import main as enter

    return enter()
