# SPDX-License-Identifier: GPL-2.0
"""kvpctl agent where systemd is the first process: its service, and what it runs."""

from collections.abc import Callable
from pathlib import Path

import test_stacks
from request import Request
from stacks import DHCP_SERVER, ROOT, Booted
from test_stacks import (DHCP, INTERFACES, MAC, OLD, OURS_IFUPDOWN, SECOND, agent,
                         expect, leased, must)

UNIT = ROOT / "tools/hv/kvp/dist/hv-kvp-agent.service.in"
# The device is a library here, and systemd knows nothing of it.
NOT_HERE = ("ConditionPathExists=", "BindsTo=", "After=", "ReadWritePaths=")
SERVICE = "hv-kvp-agent.service"


def _install(ns: Booted, *requests: Request) -> None:
    """The service as it is, but for the device."""
    lines = [line for line in UNIT.read_text().splitlines()
             if not line.startswith(NOT_HERE)]
    text = "\n".join(lines).replace("@SBINDIR@", "/usr/bin").replace(
        "[Service]", "[Service]\nEnvironment=LD_PRELOAD=/usr/lib/fake.so\n"
        "ReadWritePaths=/etc /run -/var/lib/hyperv")
    ns.put(f"/etc/systemd/system/{SERVICE}", text)
    ns.must("mkdir -p /run/fake; mkfifo /run/fake/requests")
    ns.put("/usr/lib/fake.so",
           (test_stacks.PRELOADS / "fake_device.so").read_bytes())
    for number, request in enumerate(requests, 1):
        ns.put(f"/run/fake/{number}", request.pack())
    ns.must("systemctl daemon-reload")


def _log(ns: Booted) -> str:
    return ns.run("journalctl --no-pager -n 40 -u 'hv-kvp-agent*'")[1]


def _answers(ns: Booted, wanted: str) -> None:
    assert ns.wait(lambda: ns.get("/run/fake/answers") == wanted, 40), \
        ns.get("/run/fake/answers") + _log(ns)


HOOKED = INTERFACES + f"""auto eth0
iface eth0 inet static
    address {OLD}
    up grep -E '^(CapEff|NoNewPrivs|Seccomp):' /proc/self/status >/run/hook
    up cat /proc/self/cgroup >>/run/hook
"""


def _check_hook(ns: Booted) -> None:
    """The hook has run as it would at boot: in no sandbox, in no service of ours."""
    free = ns.must("grep -E '^(CapEff|NoNewPrivs|Seccomp):' /proc/1/status")
    text = ns.get("/run/hook")
    assert text.startswith(free), text
    assert SERVICE not in text and "hv-kvp-agent-" in text, text


def units_of_their_own(ns: Booted) -> None:
    """What ifup runs is not in the agent's sandbox; a DHCP client does not end with
    the agent, and ends with the next request. With a bus and without one."""
    ns.must(DHCP_SERVER)
    ns.put("/etc/network/interfaces", HOOKED)
    ns.must("ifup eth0; rm /run/hook")
    _install(ns, DHCP, SECOND, DHCP)
    ns.must(f"systemctl start {SERVICE}")
    _answers(ns, "1 0\n")
    assert leased(ns), ns.addresses()
    _check_hook(ns)
    client = ns.must("pgrep dhclient")
    assert SERVICE not in ns.must("cat /proc/$(pgrep dhclient)/cgroup")
    ns.must(f"systemctl stop {SERVICE}")
    assert ns.must("pgrep dhclient") == client
    ns.must(f"mv /run/fake/1 /run/fake/old; systemctl start {SERVICE}; "
            "printf 2 >/run/fake/requests")
    _answers(ns, "1 0\n2 0\n")
    expect(ns, SECOND)
    assert ns.run("pgrep dhclient")[0] == 1
    ns.must("systemctl stop dbus.socket dbus.service; rm /run/hook; "
            "printf 3 >/run/fake/requests")
    _answers(ns, "1 0\n2 0\n3 0\n")
    assert leased(ns), ns.addresses()
    _check_hook(ns)
    assert ns.run("systemctl --failed --no-legend")[1] == ""


def unit_that_hangs(ns: Booted) -> None:
    """What takes too long ends, with all that it has started."""
    ns.put("/etc/network/interfaces", INTERFACES)
    ns.put(OURS_IFUPDOWN, f"auto eth0\niface eth0 inet static\n  address {OLD}\n"
           "  up [ $IF_ADDRESS != 192.0.2.77 ] || "
           "{ setsid sleep 1001 & sleep 1002; }\n")
    ns.must("ifup eth0")
    code, text = agent(ns, SECOND, "--timeout 8")
    assert code == 1 and "putting back" in text, text
    assert ns.wait(lambda: ns.run("pgrep sleep")[0] == 1)
    assert ns.wait(lambda: ns.addresses() == {OLD}, 40), ns.addresses()


def networkctl_is_asked(ns: Booted) -> None:
    """networkd's own files are not what counts: here they lack the servers."""
    ns.put("/etc/systemd/network/50-old.network",
           f"[Match]\nName=e*\n[Network]\nAddress={OLD}\n")
    ns.must("systemctl start systemd-networkd")
    assert ns.wait(lambda: ns.addresses() == {OLD})
    must(ns, Request(MAC, ["192.0.2.5/24"], ["192.0.2.1"], ["192.0.2.53"]), "networkd")
    index = ns.must("cat /sys/class/net/eth0/ifindex").strip()
    ns.must(f"sed -i '/^DNS=/d' /run/systemd/netif/links/{index}")
    _install(ns)
    ns.must(f"systemctl start {SERVICE}")
    line = f"{index} 1 192.0.2.53\n"
    assert ns.wait(lambda: line in ns.get("/run/fake/supply")), \
        ns.get("/run/fake/supply") + _log(ns)


def netplan_in_the_service(ns: Booted) -> None:
    """'netplan apply' restarts networkd, and the sandbox lets it."""
    ns.put("/etc/netplan/50-installer.yaml", test_stacks.YAML, 0o600)
    # no device has a uevent here
    ns.must("ln -sf true /usr/bin/udevadm; netplan generate; "
            "systemctl start systemd-networkd")
    assert ns.wait(lambda: ns.addresses() == {OLD}), ns.addresses()
    _install(ns, SECOND)
    ns.must(f"systemctl start {SERVICE}")
    _answers(ns, "1 0\n")
    expect(ns, SECOND)


def networkmanager_in_the_service(ns: Booted) -> None:
    """nmcli works from inside the sandbox."""
    ns.put("/etc/NetworkManager/NetworkManager.conf", test_stacks.NM_CONFIG)
    ns.put("/etc/network/interfaces", "")
    ns.put(f"{test_stacks.PROFILES}/old.nmconnection", test_stacks.OLD_PROFILE, 0o600)
    ns.must("systemctl start NetworkManager")
    assert ns.wait(lambda: ns.addresses() == {OLD}, 60)
    _install(ns, SECOND)
    ns.must(f"systemctl start {SERVICE}")
    _answers(ns, "1 0\n")
    expect(ns, SECOND)


TESTS: list[Callable[[Booted], None]] = [
    units_of_their_own, unit_that_hangs, networkctl_is_asked, netplan_in_the_service,
    networkmanager_in_the_service,
]


def run(test: Callable[[Booted], None], kvpctl: Path) -> None:
    """One test on a system of its own."""
    test_stacks.PRELOADS = kvpctl.parent
    with Booted(kvpctl) as ns:
        test(ns)
