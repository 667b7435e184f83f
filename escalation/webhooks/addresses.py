"""Which network addresses a webhook may go to: those of the public internet, and no others."""

from __future__ import annotations

from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network

from escalation.errors import AddressRefused

Address = IPv4Address | IPv6Address

# IANA's registries of special-purpose addresses, without what is globally reachable; and what clouds added.
_REFUSED_IPV4 = {
    IPv4Network(network): kind
    for network, kind in {
        "0.0.0.0/8": "unspecified",
        "10.0.0.0/8": "private",
        "100.64.0.0/10": "shared by carriers",
        "127.0.0.0/8": "loopback",
        "168.63.129.16/32": "a cloud's metadata service",
        "169.254.0.0/16": "link-local, as metadata services are",
        "172.16.0.0/12": "private",
        "192.0.0.0/24": "reserved",
        "192.0.2.0/24": "for documentation",
        "192.88.99.0/24": "a 6to4 relay",
        "192.168.0.0/16": "private",
        "198.18.0.0/15": "for benchmarks",
        "198.51.100.0/24": "for documentation",
        "203.0.113.0/24": "for documentation",
        "224.0.0.0/4": "multicast",
        "240.0.0.0/4": "reserved",
    }.items()
}
_REFUSED_IPV6 = {
    IPv6Network(network): kind
    for network, kind in {
        "::1/128": "loopback",
        "::/128": "unspecified",
        "::ffff:0:0/96": "an IPv4 address in disguise",
        "::/96": "an IPv4 address in disguise",
        "64:ff9b::/96": "NAT64",
        "64:ff9b:1::/48": "NAT64",
        "fc00::/7": "private",
        "fe80::/10": "link-local",
        "ff00::/8": "multicast",
        "2001::/32": "Teredo",
        "2001::/23": "reserved",
        "2001:db8::/32": "for documentation",
        "2002::/16": "6to4",
        "3fff::/20": "for documentation",
    }.items()
}
_PUBLIC_IPV6 = IPv6Network("2000::/3")  # the only part that is handed out


def check_address(address: Address) -> None:
    """Accept an address of the public internet.

    Raises:
        AddressRefused: Any other; the text names its kind.
    """
    if kind := _find_kind(address):
        raise AddressRefused(
            f"{address} is {kind}; only public addresses are called, and the hosts in WEBHOOK_ALLOWED_HOSTS"
        )


def _find_kind(address: Address) -> str | None:
    """Return why an address is none of the public internet's; None when it is one."""
    if isinstance(address, IPv4Address):
        return next((kind for net, kind in _REFUSED_IPV4.items() if address in net), None)
    if address.scope_id is not None:
        return "of one link only"
    found = next((kind for net, kind in _REFUSED_IPV6.items() if address in net), None)
    return found or (None if address in _PUBLIC_IPV6 else "reserved")
