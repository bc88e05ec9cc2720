"""Where a call comes from."""

from __future__ import annotations

import ipaddress
from collections.abc import Collection, Mapping
from urllib.parse import unquote


def peer_address(peer: str) -> str:
    """The bare address in gRPC's peer text.

    `ipv4:127.0.0.1:5000` gives `127.0.0.1`, `ipv6:%5B::1%5D:5000` gives `::1`, `unix:` gives `unix`.
    """
    kind, _, rest = unquote(peer).partition(":")
    if kind == "ipv4":
        return rest.rpartition(":")[0]
    if kind == "ipv6":
        return rest.rpartition(":")[0].strip("[]")
    return kind


def client_address(peer: str, metadata: Mapping[str, str], trusted: Collection[str]) -> str:
    """The address of the client, seen through trusted proxies only.

    Args:
        peer: gRPC's peer text.
        metadata: the call's metadata; its `x-forwarded-for` has one address a hop, the nearest last.
        trusted: addresses of proxies whose word is taken.
    """
    address = peer_address(peer)
    hops = [hop.strip() for hop in metadata.get("x-forwarded-for", "").split(",") if hop.strip()]
    while address in trusted and hops:
        address = hops.pop()
    return address


def network_of(address: str) -> str:
    """What limits count an address as.

    One IPv6 customer has a network of 2^64 addresses or more to call from (RFC 6177): `2001:db8::1` counts as
    `2001:db8::/64`. An IPv4 address counts for itself, also where it comes as an IPv6 one; so does what is no address.
    """
    try:
        ip = ipaddress.ip_address(address.partition("%")[0])
    except ValueError:
        return address
    if isinstance(ip, ipaddress.IPv6Address):
        if ip.ipv4_mapped is not None:
            return str(ip.ipv4_mapped)
        return str(ipaddress.IPv6Network((ip, 64), strict=False))
    return str(ip)
