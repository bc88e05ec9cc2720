"""The command `kaiwa`."""

from kaiwa_client.cli.entry import main

__all__ = ["main"]
