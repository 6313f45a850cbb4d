# SPDX-License-Identifier: GPL-2.0
"""kvpctl agent: each network stack in each situation that a machine may be in.

A row is a stack, a column a situation. In each the interface gets its old address
from the stack, then the host's request, then the machine starts again, and in the end
the request is taken back. `make check` runs CHECK, `--all` the rest.
"""

import itertools
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import test_stacks
from request import V4, Request
from stacks import DHCP_SERVER, MAC, Namespace, Skip
from test_stacks import (NETWORKD, OLD, PROFILES, STOPPED, SYSTEMCTL, agent,
                         stopped)

HOST = "192.0.2.77/24"
REQUEST = Request(MAC, [HOST], ["192.0.2.1"])
BY_DHCP = Request(MAC, dhcp=1)
STALE = "00:15:5d:00:00:aa"
CLOUD = "/etc/cloud/cloud.cfg.d"


@dataclass(frozen=True)
class Situation:
    """What a machine is like.

    @nic: name of the NIC
    @kind: "bond" or "bridge": what has the NIC as its port, and the addresses
    @vlan: a VLAN above the NIC, with an address of its own
    @old_dhcp: the old address comes by DHCP
    @dhcp: so does the host's
    @mac: the MAC address that the configuration names, if it does
    @carrier: there is one when the request comes
    @second: another NIC has the default route
    @cloud_init: it writes the configuration again at each start, unless told not to
    """

    nic: str = "eth0"
    kind: str = ""
    vlan: bool = False
    old_dhcp: bool = False
    dhcp: bool = False
    mac: str = ""
    carrier: bool = True
    second: bool = False
    cloud_init: bool = False

    @property
    def target(self) -> str:
        """The interface that has the addresses."""
        return {"": self.nic, "bond": "bond0", "bridge": "br0"}[self.kind]

    @property
    def request(self) -> Request:
        return BY_DHCP if self.dhcp else REQUEST


SITUATIONS = {
    "static": Situation(),
    "to_dhcp": Situation(dhcp=True),
    "from_dhcp": Situation(old_dhcp=True),
    "vlan": Situation(vlan=True),
    "bond": Situation(kind="bond"),
    "bridge": Situation(kind="bridge"),
    "second_nic": Situation(second=True),
    "renamed": Situation(nic="lan0"),
    "changed_mac": Situation(mac=STALE),
    "no_carrier": Situation(carrier=False),
    "cloud_init": Situation(cloud_init=True),
}


class Networkd:
    """systemd-networkd."""

    by = "networkd"
    kinds: tuple[str, ...] = ("", "bond", "bridge")
    vlans = True
    names_mac = True        # a configuration may name the MAC address

    def put(self, ns: Namespace, path: str, text: str) -> None:
        ns.put(path, text)

    def configure(self, ns: Namespace, s: Situation) -> None:
        folder = "/etc/systemd/network"
        old = "DHCP=ipv4\n" if s.old_dhcp else f"Address={OLD}\n"
        match = f"MACAddress={s.mac}" if s.mac else f"Name={s.target}"
        self.put(ns, f"{folder}/50-old.network", f"[Match]\n{match}\n[Network]\n{old}"
                 + ("VLAN=vlan5\n" if s.vlan else ""))
        if s.kind:
            self.put(ns, f"{folder}/40-master.netdev", f"[NetDev]\nName={s.target}\n"
                     f"Kind={s.kind}\nMACAddress={MAC}\n")
            self.put(ns, f"{folder}/41-port.network", f"[Match]\nName={s.nic}\n"
                     f"[Network]\n{s.kind.capitalize()}={s.target}\n")
        if s.vlan:
            self.put(ns, f"{folder}/42-vlan.netdev", "[NetDev]\nName=vlan5\nKind=vlan\n"
                     "[VLAN]\nId=5\n")
            self.put(ns, f"{folder}/43-vlan.network", "[Match]\nName=vlan5\n[Network]\n"
                     "Address=10.5.0.1/24\n")

    def install(self, ns: Namespace) -> None:
        pass

    def start(self, ns: Namespace) -> None:
        ns.run(NETWORKD)

    def stop(self, ns: Namespace) -> None:
        ns.run("pkill -KILL systemd-network; rm -rf /run/systemd/netif")


class Netplan(Networkd):
    """netplan on systemd-networkd."""

    by = "netplan"

    def configure(self, ns: Namespace, s: Situation) -> None:
        old = "dhcp4: true" if s.old_dhcp else f"addresses: [{OLD}]"
        lines = ["network:", "  version: 2", "  ethernets:", f"    {s.nic}:"]
        if s.mac:
            lines += [f"      match: {{macaddress: '{s.mac}'}}", f"      set-name: {s.nic}"]
        if s.kind:
            lines += ["      dhcp4: false", f"  {s.kind.replace('bond', 'bonds')}".replace(
                "bridge", "bridges") + ":", f"    {s.target}:",
                f"      interfaces: [{s.nic}]", f"      macaddress: '{MAC}'"]
        lines.append(f"      {old}")
        if s.vlan:
            lines += ["  vlans:", "    vlan5:",
                      f"      {{link: {s.nic}, id: 5, addresses: [10.5.0.1/24]}}"]
        ns.put("/etc/netplan/50-cloud-init.yaml", "\n".join(lines) + "\n", 0o600)

    def install(self, ns: Namespace) -> None:
        for name in ("systemctl", "udevadm"):
            ns.must(f"rm -f /bin/{name} /usr/bin/{name} /sbin/{name}")
            ns.put(f"/usr/bin/{name}", SYSTEMCTL, 0o755)

    def start(self, ns: Namespace) -> None:
        ns.must("rm -rf /run/systemd/network; netplan generate")
        super().start(ns)


class NetworkManager:
    """NetworkManager with keyfiles."""

    by = "networkmanager"
    kinds: tuple[str, ...] = ("", "bond", "bridge")
    vlans = True
    names_mac = True

    def profile(self, ns: Namespace, name: str, number: int, text: str) -> None:
        uuid = f"11111111-2222-4333-8444-{number:012d}"
        ns.put(f"{PROFILES}/{name}.nmconnection",
               f"[connection]\nid={name}\nuuid={uuid}\n{text}", 0o600)

    def configure(self, ns: Namespace, s: Situation) -> None:
        old = "auto\n" if s.old_dhcp else f"manual\naddress1={OLD}\n"
        match = f"[ethernet]\nmac-address={s.mac}\n" if s.mac else \
            f"interface-name={s.target}\n"
        more = f"[bridge]\nstp=false\nmac-address={MAC}\n" if s.kind == "bridge" else \
            "[bond]\nmode=active-backup\n" if s.kind else ""
        self.profile(ns, "old", 1, f"type={s.kind or 'ethernet'}\n{match}[ipv4]\n"
                     f"method={old}[ipv6]\nmethod=disabled\n{more}")
        if s.kind:
            self.profile(ns, "port", 2, f"type=ethernet\ninterface-name={s.nic}\n"
                         f"master={s.target}\nslave-type={s.kind}\n")
        if s.vlan:
            self.profile(ns, "vlan", 3, "type=vlan\ninterface-name=vlan5\n[vlan]\nid=5\n"
                         f"parent={s.nic}\n[ipv4]\nmethod=manual\naddress1=10.5.0.1/24\n"
                         "[ipv6]\nmethod=disabled\n")

    def install(self, ns: Namespace) -> None:
        ns.put("/etc/NetworkManager/NetworkManager.conf",
               "[main]\nplugins=keyfile\ndns=none\nno-auto-default=*\n"
               "[device]\nmatch-device=interface-name:eth0,interface-name:lan0\n"
               "managed=1\n[device-other]\nmatch-device=interface-name:eth1\nmanaged=0\n")
        ns.put("/etc/network/interfaces", "")

    def start(self, ns: Namespace) -> None:
        ns.run("NetworkManager -n >>/run/nm.log 2>&1 &")

    def stop(self, ns: Namespace) -> None:
        ns.run("pkill -KILL NetworkManager; rm -rf /run/NetworkManager; "
               "mkdir /run/NetworkManager")


class Ifupdown:
    """Debian's ifupdown."""

    by = "ifupdown"
    kinds: tuple[str, ...] = ("", "bridge")
    vlans = True
    names_mac = False
    ports = "bridge_ports"
    beside: tuple[str, ...] = ("bridge-utils",)

    def configure(self, ns: Namespace, s: Situation) -> None:
        old = "dhcp" if s.old_dhcp else f"static\n\taddress {OLD.split('/', maxsplit=1)[0]}" \
            "\n\tnetmask 255.255.255.0"
        text = f"auto lo\niface lo inet loopback\nauto {s.target}\n" \
            f"iface {s.target} inet {old}\n"
        if s.kind:
            text += f"\t{self.ports} {s.nic}\n"
        if s.vlan:
            text += f"auto {s.nic}.5\niface {s.nic}.5 inet static\n" \
                "\taddress 10.5.0.1\n\tnetmask 255.255.255.0\n"
        ns.put("/etc/network/interfaces", text)

    def install(self, ns: Namespace) -> None:
        for name in self.beside:
            _overlay(ns, name)

    def start(self, ns: Namespace) -> None:
        ns.run("ifup -a >>/run/ifup.log 2>&1")

    def stop(self, ns: Namespace) -> None:
        ns.run("pkill -KILL dhclient; pkill -KILL udhcpc; "
               "rm -rf /run/network/* /run/ifstate* /run/dhclient*")


def _overlay(ns: Namespace, name: str) -> None:
    """Puts a package over the system, as if it were installed in place of another."""
    ns.must(f"for file in ifup ifdown ifquery; do [ ! -e /opt/{name}/sbin/$file ] || "
            "rm -f /usr/sbin/$file; done; "
            f"tar -C /opt/{name} -c . | tar -C / -x --keep-directory-symlink")


class IfupdownNg(Ifupdown):
    """ifupdown-ng."""

    kinds = ("",)
    vlans = False
    beside = ("ifupdown-ng",)


class Ifupdown2(Ifupdown):
    """ifupdown2, of Cumulus and Proxmox VE."""

    ports = "bridge-ports"
    beside = ("ifupdown2",)

    def install(self, ns: Namespace) -> None:
        super().install(ns)
        ns.must("chmod +x /usr/share/ifupdown2/__main__.py")


class Busybox(Ifupdown):
    """ifup and ifdown of busybox, as on Alpine."""

    kinds = ("",)
    vlans = False

    # Debian's other busybox has an ifup that knows no addresses
    beside = ("busybox-static", "udhcpc")

    def install(self, ns: Namespace) -> None:
        super().install(ns)
        ns.must("for name in ifup ifdown; do ln -sf /bin/busybox /usr/sbin/$name; done; "
                "rm -f /usr/sbin/dhclient; ln -sf /bin/busybox /usr/sbin/udhcpc; "
                "mkdir -p /usr/share/udhcpc /var/run; "
                "cp /etc/udhcpc/default.script /usr/share/udhcpc/; "
                "ln -sf /bin/busybox /usr/sbin/run-parts")


STACKS = {
    "networkd": Networkd(), "netplan": Netplan(), "networkmanager": NetworkManager(),
    "ifupdown": Ifupdown(), "ifupdown-ng": IfupdownNg(), "ifupdown2": Ifupdown2(),
    "busybox": Busybox(),
}
Stack = Networkd | NetworkManager | Ifupdown


def fits(stack: Stack, situation: Situation) -> bool:
    """Whether the stack can be brought into the situation at all."""
    return situation.kind in stack.kinds and (stack.vlans or not situation.vlan) and \
        (stack.names_mac or not situation.mac)


def _need_kind(ns: Namespace, kind: str) -> None:
    if ns.run(f"ip link add test0 {'link eth0 ' if kind == 'vlan' else ''}type {kind} "
              f"{'id 9' if kind == 'vlan' else ''} && ip link del test0")[0]:
        raise Skip(f"this kernel has no {kind}")


def _prepare(ns: Namespace, s: Situation) -> None:
    for kind in filter(None, (s.kind, s.vlan and "vlan")):
        _need_kind(ns, kind)
    if s.nic != "eth0":
        ns.must(f"ip link set eth0 down; ip link set eth0 name {s.nic}; "
                f"ip link set {s.nic} up")
    if s.second:
        ns.must("ip link add eth1 type veth peer name peer1; ip link set eth1 up; "
                "ip link set peer1 up; ip address add 203.0.113.9/24 dev eth1; "
                "ip route add default via 203.0.113.1 dev eth1")
    if s.cloud_init:
        ns.must(f"mkdir -p {CLOUD}")
    if s.dhcp or s.old_dhcp:
        ns.must(DHCP_SERVER)


def _restart(ns: Namespace, stack: Stack, s: Situation) -> None:
    """The machine starts again."""
    stack.stop(ns)
    for name in ("bond0", "br0", "vlan5", f"{s.nic}.5"):
        ns.run(f"ip link del {name} 2>/dev/null")
    ns.must(f"ip address flush dev {s.nic}; ip route flush dev {s.nic}; "
            f"ip link set {s.nic} down; ip link set {s.nic} up")
    if s.cloud_init and "disabled" not in ns.get(f"{CLOUD}/99-hv_kvp-network.cfg"):
        stack.configure(ns, s)
    ns.must("kvpctl agent --recover")
    stack.start(ns)


def _has(ns: Namespace, s: Situation, dhcp: bool, address: str) -> bool:
    found = ns.addresses(s.target)
    if dhcp:
        return len(found) == 1 and found.pop().startswith("198.51.100.5")
    return found == {address}


def _expect(ns: Namespace, s: Situation, dhcp: bool, address: str, when: str) -> None:
    assert ns.wait(lambda: _has(ns, s, dhcp, address), 30), \
        f"{when}: {ns.addresses(s.target)}"
    if s.vlan:
        other = "vlan5" if ns.path("/sys/class/net/vlan5").exists() else f"{s.nic}.5"
        assert ns.wait(lambda: ns.addresses(other) == {"10.5.0.1/24"}), f"{when}: no VLAN"
    if address == HOST and not dhcp:
        assert ns.wait(lambda: "192.0.2.1" in ns.gateways(s.target)), \
            f"{when}: {ns.run('ip route')[1]}"
    if s.second and when == "request":
        assert ns.gateways("eth1") == ["203.0.113.1"], ns.run("ip route")[1]


def carry_out(ns: Namespace, stack: Stack, s: Situation) -> None:
    """One cell of the table."""
    _prepare(ns, s)
    stack.install(ns)
    stack.configure(ns, s)
    stack.start(ns)
    if not s.mac:
        _expect(ns, s, s.old_dhcp, OLD, "start")
    if not s.carrier:
        ns.must("ip -n peer link set peer0 down")
    code, text = agent(ns, s.request)
    assert code == 0, text
    ns.must("ip -n peer link set peer0 up")
    _expect(ns, s, s.dhcp, HOST, f"request\n{text}")
    _restart(ns, stack, s)
    _expect(ns, s, s.dhcp, HOST, f"next start\n{text}")
    ns.must("kvpctl agent --revert " + s.target)
    _restart(ns, stack, s)
    if s.mac:
        assert not ns.addresses(s.target), ns.addresses(s.target)
    else:
        _expect(ns, s, s.old_dhcp, OLD, "reverted")


# --- a configuration with all that the stack's documentation knows

ALL_NETWORKD = f"""[Match]
Name=eth0
[Link]
MTUBytes=1400
RequiredForOnline=no
Multicast=yes
[Network]
Description=the uplink
Address={OLD}
Address=2001:db8:9::9/64
Gateway=198.51.100.1
DNS=198.51.100.1
DNS=2001:db8::53
Domains=example.org ~corp.example
NTP=ntp.example.org
LLDP=no
LLMNR=no
MulticastDNS=no
DNSSEC=allow-downgrade
IPv6AcceptRA=no
LinkLocalAddressing=ipv6
IPv4ProxyARP=no
VLAN=vlan5
[Address]
Address=2001:db8:9::10/64
PreferredLifetime=0
[Route]
Destination=10.0.0.0/8
Gateway=198.51.100.1
Metric=50
[Route]
Gateway=198.51.100.2
Table=100
[Route]
Destination=2001:db8:77::/48
Gateway=fe80::1
[RoutingPolicyRule]
From=198.51.100.0/24
Table=100
[DHCPv4]
UseDNS=no
ClientIdentifier=mac
[IPv6AcceptRA]
UseDNS=no
[Bridge]
Cost=7
"""
GONE_NETWORKD = {f"Address={OLD}", "Gateway=198.51.100.1", "DNS=198.51.100.1"}


def _lines(text: str) -> list[str]:
    return [line for line in text.splitlines() if line and line[0] != "#"]


def all_networkd(ns: Namespace) -> None:
    """What the request is not about is in the new file, and in the old ones."""
    old, more = "/etc/systemd/network/50-old.network", "[Link]\nAllMulticast=yes\n"
    ns.put(old, ALL_NETWORKD)
    ns.put(f"{old}.d/more.conf", more)
    ns.run(NETWORKD)
    assert ns.wait(lambda: OLD in ns.addresses()), ns.get("/run/networkd.log")
    code, text = agent(ns, V4_REQUEST)
    assert not code, text
    assert ns.get(old) == ALL_NETWORKD and ns.get(f"{old}.d/more.conf") == more
    new = _lines(ns.get("/etc/systemd/network/05-hv_kvp-eth0.network"))
    for line in _lines(ALL_NETWORKD + more):
        # a route to 10.0.0.0/8 keeps the gateway that the default route loses
        gone = line in GONE_NETWORKD - {"Gateway=198.51.100.1"}
        assert (line in new) != gone, (line, new)
    assert new.count("Gateway=198.51.100.1") == 1, new
    # networkd 252 forgets that a route is on-link now if it knew it before
    _restart(ns, Networkd(), Situation())
    assert ns.wait(lambda: HOST in ns.addresses()), ns.addresses()
    assert ns.wait(lambda: "10.0.0.0/8 via 198.51.100.1" in
                   ns.must("ip route show dev eth0")), ns.must("ip route")
    assert ns.wait(lambda: "198.51.100.2" in ns.run("ip route show table 100")[1])
    assert "lookup 100" in ns.must("ip rule")
    assert ns.wait(lambda: {"2001:db8:9::9/64", "2001:db8:9::10/64"} < ns.addresses())


ALL_NM = f"""[connection]
id=old
uuid=11111111-2222-4333-8444-000000000001
type=ethernet
autoconnect-priority=5
autoconnect-retries=3
dns-over-tls=1
gateway-ping-timeout=0
interface-name=eth0
lldp=0
llmnr=0
mdns=0
metered=2
permissions=user:root:;
zone=public

[ethernet]
auto-negotiate=true
mac-address-blacklist=
mtu=1400
wake-on-lan=64

[802-1x]
eap=md5;
identity=host/one
optional=true
password=secret

[ipv4]
address1={OLD},198.51.100.1
dhcp-timeout=20
dns=198.51.100.1;
dns-options=timeout:1;
dns-priority=7
dns-search=example.org;
ignore-auto-dns=true
may-fail=false
method=manual
route-metric=77
route1=10.0.0.0/8,198.51.100.1,50
route2=0.0.0.0/0,198.51.100.2
route2_options=table=100
routing-rule1=priority 5 from 198.51.100.0/24 table 100

[ipv6]
addr-gen-mode=eui64
address1=2001:db8:9::9/64
dns=2001:db8::53;
method=manual
route1=2001:db8:77::/48,fe80::1

[proxy]

[user]
note.x=y
"""
GONE_NM = {f"address1={OLD},198.51.100.1", "dns=198.51.100.1;"}
NEW_NM = {"address1=192.0.2.77/24,192.0.2.1", "dns=192.0.2.53;", "never-default=false"}


def all_networkmanager(ns: Namespace) -> None:
    """nmcli changes what the request is about. Without a carrier, since there is
    nobody who would answer 802.1X."""
    stack = NetworkManager()
    stack.install(ns)
    path = f"{PROFILES}/old.nmconnection"
    ns.put(path, ALL_NM, 0o600)
    ns.must("ip -n peer link set peer0 down")
    stack.start(ns)
    assert ns.wait(lambda: ns.run("nmcli connection show old")[0] == 0, 20)
    # in NetworkManager's own words
    ns.must("nmcli connection modify old connection.lldp 1")
    before = set(_lines(ns.get(path)))
    code, text = agent(ns, V4_REQUEST)
    assert not code, text
    after = set(_lines(ns.get(path)))
    assert before - after == GONE_NM, (before - after, after - before)
    assert after - before - {"never-default=false"} == NEW_NM - {"never-default=false"}, \
        after - before
    ns.must("kvpctl agent --revert eth0")
    assert set(_lines(ns.get(path))) == before


ALL_YAML = f"""network:
  version: 2
  renderer: networkd
  ethernets:
    uplink:
      match: {{name: eth0}}
      mtu: 1400
      optional: true
      accept-ra: false
      link-local: [ipv6]
      wakeonlan: false
      critical: false
      dhcp-identifier: mac
      dhcp4-overrides: {{use-dns: false, route-metric: 77}}
      optional-addresses: [dhcp6]
      addresses: [{OLD}, '2001:db8:9::9/64']
      nameservers: {{search: [example.org], addresses: [198.51.100.1, '2001:db8::53']}}
      routes:
      - {{to: default, via: 198.51.100.1}}
      - {{to: 10.0.0.0/8, via: 198.51.100.1, metric: 50}}
      - {{to: 0.0.0.0/0, via: 198.51.100.2, table: 100, on-link: true}}
      - {{to: '2001:db8:77::/48', via: 'fe80::1'}}
      routing-policy: [{{from: 198.51.100.0/24, table: 100}}]
    other:
      match: {{macaddress: '00:15:5d:00:00:77'}}
      dhcp4: true
      auth: {{key-management: 802.1x, method: tls, identity: host/one, password: secret}}
"""
READ_YAML = "netplan get | python3 -c 'import json, sys, yaml; " \
    "json.dump(yaml.safe_load(sys.stdin), sys.stdout)'"


def all_netplan(ns: Namespace) -> None:
    """netplan's own view of all files, before and after."""
    stack = Netplan()
    stack.install(ns)
    ns.put("/etc/netplan/50-installer.yaml", ALL_YAML, 0o600)
    stack.start(ns)
    assert ns.wait(lambda: OLD in ns.addresses()), ns.get("/run/networkd.log")
    before = ns.json(READ_YAML)["network"]
    code, text = agent(ns, V4_REQUEST)
    assert not code, text
    after = ns.json(READ_YAML)["network"]
    was, now = (tree["ethernets"].pop("uplink") for tree in (before, after))
    assert before == after, (before, after)
    assert set(now.pop("addresses")) == {"2001:db8:9::9/64", HOST}
    servers = now.pop("nameservers")
    assert servers["search"] == ["example.org"] and \
        set(servers["addresses"]) == {"2001:db8::53", "192.0.2.53"}, servers
    routes = {route["via"]: route for route in now.pop("routes")}
    old = {route["via"]: route for route in was.pop("routes")
           if route["to"] != "default"}
    host = routes.pop("192.0.2.1")
    assert host["to"] == "0.0.0.0/0" and "table" not in host, host
    # what the new addresses do not reach is reached on the link
    old["198.51.100.1"]["on-link"] = True
    assert routes == old, (routes, old)
    for name in ("addresses", "nameservers"):
        was.pop(name)
    assert now.pop("ignore-carrier") is True and now.pop("dhcp4") is False
    assert now == was, (now, was)


ALL_INTERFACES = f"""# loopback
auto lo
iface lo inet loopback
mapping eth9
    script /bin/true
# the uplink
auto eth0
iface eth0 inet static
    address {OLD}
    gateway 198.51.100.1
    mtu 1400
    dns-nameservers 198.51.100.1
    dns-search example.org
    pre-up true
    up ip route add 10.0.0.0/8 \\
        dev $IFACE
    post-up true # a comment
    down true
    post-down true
    wpa-driver wired
    vendor-option "x y"
iface eth0 inet6 static
    address 2001:db8:9::9/64
    accept_ra 0
    dns-nameservers 2001:db8::53
iface eth1 inet dhcp
    hostname one
"""
GONE_INTERFACES = {f"address {OLD}", "gateway 198.51.100.1", "iface eth0 inet static",
                   "dns-nameservers 198.51.100.1"}


def all_ifupdown(ns: Namespace) -> None:
    """Lines that are not about addresses stay, in their order and once."""
    ns.put("/etc/network/interfaces", ALL_INTERFACES)
    ns.must("ifup eth0")
    code, text = agent(ns, V4_REQUEST)
    assert not code, text
    new = [line.strip() for line in ns.get("/etc/network/interfaces").splitlines()]
    old = [line.strip() for line in ALL_INTERFACES.splitlines()]
    for line in old:
        wanted = line not in GONE_INTERFACES or line == "iface eth0 inet static"
        assert (line in new) == wanted, (line, new)
    kept = [line for line in new if line in old]
    assert sorted(kept) == sorted(line for line in old if line in kept), new
    assert "2001:db8:9::9/64" in ns.addresses()


V4_REQUEST = Request(MAC, [HOST], ["192.0.2.1"], ["192.0.2.53"], family=V4)
EVERYTHING = {
    "networkd": all_networkd, "networkmanager": all_networkmanager,
    "netplan": all_netplan, "ifupdown": all_ifupdown,
}


# What differs most from the tests of test_stacks.py.
CHECK = {
    ("ifupdown-ng", "static"), ("ifupdown2", "static"), ("busybox", "static"),
    ("networkd", "changed_mac"), ("networkmanager", "bridge"),
}


def run(name: tuple[str, str], kvpctl: Path) -> None:
    """One cell in namespaces of its own."""
    test_stacks.PRELOADS = kvpctl.parent
    with Namespace(kvpctl) as ns:
        if name[1] == "everything":
            EVERYTHING[name[0]](ns)
        elif name[1] in ("TERM", "POWER"):
            stopped(ns, *name)
        else:
            carry_out(ns, STACKS[name[0]], SITUATIONS[name[1]])


def jobs(all_cells: bool) -> Iterator[tuple[str, tuple[str, str]]]:
    """Names of tests, and their cells."""
    for name in itertools.product(STACKS, SITUATIONS):
        if fits(STACKS[name[0]], SITUATIONS[name[1]]) and (all_cells or name in CHECK):
            yield f"matrix.{name[0]}.{name[1]}", name
    for stack in EVERYTHING:
        yield f"matrix.{stack}.everything", (stack, "everything")
    for name in itertools.product(STOPPED, ("TERM", "POWER")):
        if all_cells or name in CHECK:
            yield f"matrix.{name[0]}.{name[1]}", name
