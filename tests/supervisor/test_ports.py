"""Whether addresses are free, and who has those that are not."""

from __future__ import annotations

import os
import socket

import pytest

from server.supervisor.ports import PortTaken, check_free
from tests.support.processes import free_port


def test_free_ports_pass() -> None:
    check_free({"KAIWA_LISTEN": f"127.0.0.1:{free_port()}", "KAIWA_ENVOY_LISTEN": f"0.0.0.0:{free_port()}"})


def test_a_socket_file_is_not_checked() -> None:
    check_free({"KAIWA_LISTEN": "unix:/run/kaiwa.sock"})


def test_taken_ports_are_all_named_with_holder_and_setting() -> None:
    with socket.create_server(("127.0.0.1", 0)) as one, socket.create_server(("127.0.0.1", 0)) as two:
        ports = one.getsockname()[1], two.getsockname()[1]
        with pytest.raises(PortTaken) as raised:
            check_free({"KAIWA_LISTEN": f"127.0.0.1:{ports[0]}", "KAIWA_ENVOY_LISTEN": f"127.0.0.1:{ports[1]}"})
    first, second, advice = str(raised.value).splitlines()
    assert first.startswith(f"Port {ports[0]} is taken by ")
    assert f"(process {os.getpid()})" in first
    assert second.startswith(f"Port {ports[1]} is taken by ")
    # One command that mends all of them.
    settings = f"KAIWA_LISTEN=127.0.0.1:{ports[0] + 1} KAIWA_ENVOY_LISTEN=127.0.0.1:{ports[1] + 1}"
    assert advice.endswith(f"{settings} make run")


def test_an_address_of_another_machine() -> None:
    with pytest.raises(PortTaken, match=r"Can't listen at 203\.0\.113\.1"):
        check_free({"KAIWA_LISTEN": "203.0.113.1:50051"})


def test_a_name_that_nobody_knows() -> None:
    with pytest.raises(PortTaken, match=r"KAIWA_LISTEN: there is no address nowhere\.invalid"):
        check_free({"KAIWA_LISTEN": "nowhere.invalid:50051"})


def test_a_connection_that_just_ended_does_not_count() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        address = server.getsockname()
        with socket.create_connection(address):
            server.accept()[0].close()
    check_free({"KAIWA_LISTEN": f"127.0.0.1:{address[1]}"})
