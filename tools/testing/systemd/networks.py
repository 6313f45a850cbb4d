# SPDX-License-Identifier: GPL-2.0
"""What runs the test NIC of the Debian under test: eth0 has OLD by a static
configuration of the distribution's usual kind."""
from __future__ import annotations

from dataclasses import dataclass

PACKAGES = ("network-manager", "ifupdown", "isc-dhcp-client", "netplan.io")
# Those that packages enable; a Network enables what it needs.
UNITS = ("NetworkManager", "NetworkManager-dispatcher",
         "NetworkManager-wait-online", "networking")
OLD = "192.0.2.10/24"

NETWORKD = f"""[Match]
Name=eth0

[Network]
Address={OLD}
"""

PROFILE = f"""[connection]
id=production
uuid=6f2f4e0a-7d1f-4a6c-9b76-2f6f5a1c0d11
type=ethernet
interface-name=eth0

[ipv4]
method=manual
address1={OLD},192.0.2.1

[ipv6]
method=disabled
"""

INTERFACES = f"""auto lo
iface lo inet loopback

auto eth0
iface eth0 inet static
	address {OLD}
	gateway 192.0.2.1
"""

NETPLAN = f"""network:
  version: 2
  ethernets:
    eth0:
      addresses: [{OLD}]
      routes:
        - to: default
          via: 192.0.2.1
"""


@dataclass(frozen=True)
class Network:
    """Files, and a command that makes their stack start at boot."""

    files: dict[str, str]
    command: str


NETWORKS = {
    "networkd": Network({"/etc/systemd/network/50-test.network": NETWORKD},
                        "systemctl enable systemd-networkd"),
    "networkmanager": Network(
        {"/etc/NetworkManager/system-connections/production.nmconnection":
         PROFILE}, "systemctl enable NetworkManager"),
    "ifupdown": Network({"/etc/network/interfaces": INTERFACES},
                        "systemctl enable networking"),
    "netplan": Network({"/etc/netplan/50-test.yaml": NETPLAN},
                       "systemctl enable systemd-networkd"),
}
