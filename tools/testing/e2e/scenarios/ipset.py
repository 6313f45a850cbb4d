# SPDX-License-Identifier: GPL-2.0
"""SET_IP_INFO: to the agent on /dev/hv_kvp, and its answer back; overrides of
intrinsic items, which it makes too."""
import ipaddress
import re
import time
import uuid
from contextlib import contextmanager, nullcontext

from guests import HV_KVP, Setup
from hvhost import icwire, kvpwire, testnic
from hvhost.agent import Job
from hvhost.kvp import VERSIONS
from hvhost.kvpwire import AUTO, EXTERNAL, Address, IpInfo, Item
from scenario import Test, scenario
from scenarios.clients import daemon, pid
from scenarios.observe import TRACE

OURS = (HV_KVP,)
SETUP = Setup(selftests=True, nics=1, daemon=True)
STRING_VERSIONS = [(3, 0), (4, 0)]
# What an agent may answer, in the order of HV_KVP_IP_*; and none at all.
STATUSES = ("OK", "E_FAIL", "NOT_SUPPORTED", "INVALID_ARGUMENT", "NOT_FOUND")
SILENT = 99
TIMEOUT = 30
EARLY = 120
NIC = testnic.instance_id(0)
MAC = "00:15:5D:01:02:03"

ADDRESSES = ["192.0.2.7/24", "10.1.2.3/32", "0.0.0.0/0", "2001:db8::7/64",
             "fe80::1:2/128", "::/0"]
GATEWAYS = ["192.0.2.1", "2001:db8::1"]
DNS = ["198.51.100.1", "198.51.100.2", "2001:db8:53::1"]


def info(adapter: str = NIC, **changes) -> IpInfo:
    """A request with a bit of everything."""
    return IpInfo(**{
        "adapter": adapter, "family": kvpwire.FAMILY_BOTH, "dhcp": False,
        "addresses": [Address.parse(a) for a in ADDRESSES],
        "gateways": [ipaddress.ip_address(g) for g in GATEWAYS],
        "dns": [ipaddress.ip_address(d) for d in DNS]} | changes)


def adapter(name: str) -> str:
    """As the tool prints what the kernel has read."""
    digits = re.sub(r"[^0-9A-Fa-f]", "", name)
    if len(digits) == 12:
        return ":".join(re.findall("..", digits)).upper()
    return f"{{{uuid.UUID(digits)}}}"


def line(asked: IpInfo, ifindex: int) -> str:
    """What the agent is to print."""
    words = [str(ifindex), adapter(asked.adapter), f"family={asked.family}",
             f"dhcp={int(asked.dhcp)}"]
    for name, entries in (("ip", asked.addresses), ("gw", asked.gateways),
                          ("dns", asked.dns)):
        words += [f"{name}={entry}" for entry in entries]
    return " ".join(words)


@contextmanager
def agent(t: Test, result: int):
    """An agent that answers with @result; gone at the end."""
    job = t.host.spawn(f"hv_kvp_tool agent {result}")
    try:
        t.eventually(lambda: job.stdout.startswith(b"agent\n"),
                     "the agent says that it is one")
        yield job
    finally:
        if job.running:
            job.kill()
        job.wait()


def lines(job: Job) -> list[str]:
    """The requests that an agent printed, so far."""
    return job.stdout.decode().splitlines()[1:]


def saw(t: Test, job: Job, wanted: list[str], what: str = "") -> None:
    """An agent must have printed these requests, and no other; what it prints
    comes out of the guest a little later than its answer."""
    t.eventually(lambda: len(lines(job)) >= len(wanted), f"requests {what}")
    t.equal(lines(job), wanted, what)


def ifindex(t: Test) -> int:
    """Of the NIC."""
    return int(t.sh(f"cat /sys/bus/vmbus/devices/{NIC}/net/*/ifindex"))


def negotiate(t: Test, binary: bool) -> None:
    """The form of the IP messages."""
    count = t.kvp.negotiations
    t.kvp.negotiate(VERSIONS if binary else STRING_VERSIONS)
    t.kvp.wait_ready(20, count + 1)


@scenario(SETUP, guests=OURS, smoke=True)
def applied(t: Test) -> None:
    """Both forms give the agent the same; its answer is the status; the host
    goes on with other work at once."""
    index = ifindex(t)
    asked = [info(), info("{" + NIC.upper() + "}"), info(MAC, dhcp=True),
             info(MAC, addresses=[], gateways=[], dns=[], dhcp=True,
                  family=kvpwire.FAMILY_V4),
             info(addresses=[Address.parse(f"10.0.{n}.1/{n % 33}")
                             for n in range(64)])]
    for binary in (True, False):
        negotiate(t, binary)
        with agent(t, 0) as job:
            for one in asked:
                t.kvp.set_ip_info(one)
                t.works()
            saw(t, job, [line(one, 0 if one.adapter == MAC else index)
                         for one in asked], f"binary: {binary}")


@scenario(SETUP, guests=OURS)
def negotiation_behind(t: Test) -> None:
    """The host starts over while the agent is at work, or before that: it need
    not wait for the agent, and nothing is left of what it had asked for. That
    was not refused, as it would be by an agent that is silent."""
    negotiate(t, True)
    with agent(t, 0):
        t.kvp.set_ip_info(info())
    whole = icwire.pack(icwire.Header(icwire.MSG_KVP, 0, t.kvp.fw, t.kvp.msg),
                        kvpwire.pack_ip_binary(kvpwire.SET_IP_INFO, info()))
    with agent(t, SILENT) as job:
        for behind in (False, True, False):
            seen = len(lines(job))
            asked = t.kvp.raw(whole)
            if behind:
                t.eventually(lambda s=seen: len(lines(job)) > s, "a request")
            over = t.kvp.raw(icwire.pack_negotiate([t.kvp.fw], [t.kvp.msg]))
            found = [icwire.unpack(t.kvp.raw_reply(one, 60).payload)[0]
                     for one in (asked, over)]
            t.equal([icwire.status_name(one.status) for one in found],
                    ["E_FAIL", "OK"], f"agent at work: {behind}")
            t.equal(t.host.run("hv_kvp_tool refused", check=False).text.strip(),
                    "request: No such file or directory")
            t.works()
    negotiate(t, True)


@scenario(SETUP, guests=OURS)
def statuses(t: Test) -> None:
    """Each answer that an agent has; what was refused is kept, and forgotten
    once a later request is done."""
    for result, status in enumerate(STATUSES):
        asked = info(family=kvpwire.FAMILY_V6)
        with agent(t, result):
            t.status(status, lambda: t.kvp.set_ip_info(asked))
        kept = t.host.run("hv_kvp_tool refused", check=False).text.strip()
        t.equal(kept, line(asked, 0)[2:] if result else
                "request: No such file or directory", status)
    with agent(t, 0):
        t.kvp.set_ip_info(info())
    t.true(t.host.run("hv_kvp_tool refused", check=False).code,
           "nothing is kept")
    t.works()


@scenario(SETUP, guests=OURS)
def agent_comes_later(t: Test) -> None:
    """Soon after the host has connected a request waits for an agent."""
    request = t.kvp.submit_set_ip_info(info())
    time.sleep(1)
    t.true(not request.finished, "the request waits")
    with agent(t, 0) as job:
        request.wait(20).check()
        saw(t, job, [line(info(), ifindex(t))])
    t.works()


@scenario(SETUP, guests=OURS)
def readers_are_woken_without_the_lock(t: Test) -> None:
    """Anybody may have any number of readers wait, and NEGOTIATE takes the lock of
    the requests: the request that the agent is told of, and it alone, has woken
    nobody itself."""
    t.sh(f"[ -d {TRACE}/events ] || mount -t tracefs t {TRACE}")
    watch = t.host.spawn("hv_kvp_tool watch")
    t.eventually(lambda: watch.stdout == b"watching\n", "a reader")
    with agent(t, 0):
        trigger = f"{TRACE}/events/sched/sched_waking/trigger"
        stack = 'stacktrace if comm == "hv_kvp_tool"'
        t.sh(f"echo >{TRACE}/trace; echo '{stack}' >{trigger}")
        try:
            t.kvp.set_ip_info(info())
        finally:
            t.sh(f"echo '!{stack}' >{trigger}")
    t.equal(watch.stdout, b"watching\n", "what who is not the agent is told")
    watch.kill()
    traced = t.sh(f"cat {TRACE}/trace")
    t.true("try_to_wake_up" in traced, "nothing was traced")
    t.equal([line for line in traced.splitlines() if "hkvp_ipagent" in line], [])


@scenario(SETUP, guests=OURS)
def agent_dies(t: Test) -> None:
    """The host hears at once that it failed."""
    with agent(t, SILENT) as job:
        request = t.kvp.submit_set_ip_info(info())
        t.eventually(lambda: lines(job), "the agent has the request")
        t.true(not request.finished, "the request waits")
        job.kill()
        began = time.monotonic()
        t.status("E_FAIL", lambda: request.wait(20).check())
        t.true(time.monotonic() - began < 10, "at once")
    t.equal(t.sh("hv_kvp_tool refused").strip(), line(info(), 0)[2:])
    t.works()


@scenario(SETUP, guests=OURS)
def agent_is_silent(t: Test) -> None:
    """After 30 s the host hears that it failed; what is late is refused."""
    with agent(t, SILENT) as job:
        began = time.monotonic()
        t.status("E_FAIL", lambda: t.kvp.set_ip_info(info(), 60))
        # the guest's clock and the host's need not run alike
        t.true(TIMEOUT - 3 < time.monotonic() - began < TIMEOUT + 15,
               f"after {time.monotonic() - began:.0f} s")
        t.true(job.running, "the agent is still there")
        t.works()
    t.equal(t.sh("hv_kvp_tool refused").strip(), line(info(), 0)[2:])


@scenario(SETUP, guests=OURS, proof=("debug",))
def nobody_in_time(t: Test) -> None:
    """Without an agent, and later than 120 s after the host has connected,
    there is no wait."""
    time.sleep(EARLY + 10)
    began = time.monotonic()
    t.status("NOT_SUPPORTED", lambda: t.kvp.set_ip_info(info()))
    t.true(time.monotonic() - began < 10, "at once")
    t.equal(t.sh("hv_kvp_tool refused").strip(), line(info(), 0)[2:])
    with agent(t, 0):
        t.kvp.set_ip_info(info())


@scenario(SETUP, guests=OURS)
def one_agent(t: Test) -> None:
    """The second one is refused, and can be it once the first is gone."""
    with agent(t, 0):
        second = t.host.run("hv_kvp_tool agent 0", check=False)
        t.equal(second.text.strip(), "agent: Device or resource busy")
    with agent(t, 0):
        t.kvp.set_ip_info(info())


@scenario(SETUP, guests=OURS)
def rescinded_meanwhile(t: Test) -> None:
    """The device goes while the host waits: the request is over, and the next
    connection has its own."""
    t.kvp.offer_item(EXTERNAL, Item("pushed", "again"))
    with agent(t, SILENT) as job:
        t.kvp.submit_set_ip_info(info())
        t.eventually(lambda: lines(job), "the agent has the request")
        count = t.kvp.negotiations
        t.device.rescind().result()
        t.device.wait_state("none")
        t.device.reoffer().result()
        t.kvp.wait_pushed(60, count + 1)
        t.works()
    with agent(t, 0) as job:
        t.kvp.set_ip_info(info(MAC))
        saw(t, job, [line(info(MAC), 0)], "not the one from before")


@scenario(SETUP, guests=OURS)
def unloaded_meanwhile(t: Test) -> None:
    """An agent at work keeps the module. A request that waits for one does
    not: it is over at once, and the next connection has its own."""
    with agent(t, SILENT) as job:
        request = t.kvp.submit_set_ip_info(info())
        t.eventually(lambda: lines(job), "the agent has the request")
        t.true(t.host.run("rmmod hv_kvp", check=False).code,
               "rmmod is refused")
        t.true(not request.finished, "the request waits")
        job.kill()
        t.status("E_FAIL", lambda: request.wait(20).check())
    request = t.kvp.submit_set_ip_info(info())
    time.sleep(1)
    t.true(not request.finished, "the request waits")
    began = time.monotonic()
    t.sh("rmmod hv_kvp", 60)
    t.true(time.monotonic() - began < 15, "at once")
    t.sh("insmod /modules/hv_kvp.ko", 60)
    t.eventually(lambda: t.kvp.msg == (5, 0), "5.0 negotiated", 30)
    t.kvp.wait_pushed(60)
    t.works()
    with agent(t, 0) as job:
        t.kvp.set_ip_info(info(MAC))
        saw(t, job, [line(info(MAC), 0)], "not the one from before")


SCRIPT = "/usr/libexec/hypervkvpd/hv_set_ifconfig"


@scenario(SETUP, guests=OURS)
def the_old_daemon(t: Test) -> None:
    """hv_kvp_daemon gets the request if nobody else is the agent; its answer
    is the status. It hands a file to the distribution's script."""
    t.sh(f"mkdir -p {SCRIPT.rpartition('/')[0]}; rm -f /tmp/ifcfg\n"
         f"printf '#!/bin/sh\\ncp $1 /tmp/ifcfg\\n' >{SCRIPT}; chmod +x {SCRIPT}")
    asked = info("{" + NIC + "}", family=kvpwire.FAMILY_V4,
                 addresses=[Address.parse("192.0.2.7/20")],
                 gateways=[ipaddress.ip_address("192.0.2.1")],
                 dns=[ipaddress.ip_address("198.51.100.1")])
    with daemon(t):
        t.kvp.set_ip_info(asked)
        written = t.sh("cat /tmp/ifcfg").splitlines()
        for wanted in ("IPADDR0=192.0.2.7", "NETMASK0=255.255.240.0",
                       "GATEWAY=192.0.2.1", "DNS1=198.51.100.1"):
            t.true(wanted in written, f"{wanted} is in {written}")
        asked.adapter = "{" + testnic.instance_id(99) + "}"
        t.status("NOT_FOUND", lambda: t.kvp.set_ip_info(asked))
        with agent(t, 2):
            t.status("NOT_SUPPORTED", lambda: t.kvp.set_ip_info(asked))
        t.works()


@scenario(SETUP, guests=OURS)
def a_reader_is_no_agent(t: Test) -> None:
    """libhvee's reader says yes to each message and leaves: it is not given a
    request, which then waits for who can do it."""
    t.kvp.set(EXTERNAL, Item("for the reader", "x"))
    request = t.kvp.submit_set_ip_info(info())
    out = t.sh("hv_kvp_reader")
    t.true("for the reader" in out and "operation" not in out, out)
    t.true(not request.finished, "the request waits")
    with agent(t, 0) as job:
        request.wait(20).check()
        saw(t, job, [line(info(), ifindex(t))])
    t.works()


MALFORMED = {
    "not an address": {"addresses": "192.0.2.300", "subnets": "255.255.255.0"},
    "a shell's": {"addresses": "$(reboot)", "subnets": "255.255.255.0"},
    "a newline": {"dns": "192.0.2.1\n192.0.2.2"},
    "no zone": {"dns": "fe80::1%"},
    "a shell's zone": {"dns": "fe80::1%$(id)"},
    "a zone of IPv4": {"dns": "192.0.2.1%eth0"},
    "a blank inside": {"dns": "192.0.2. 1"},
    "octal": {"dns": "010.1.1.1"},
    "a mask with a hole": {"addresses": "192.0.2.1", "subnets": "255.0.255.0"},
    "a prefix too long": {"addresses": "192.0.2.1", "subnets": "/33"},
    "a prefix of IPv6 too long": {"addresses": "::1", "subnets": "/129"},
    "no subnet": {"addresses": "192.0.2.1"},
    "65 addresses": {"addresses": ";".join(["1.2.3.4"] * 65),
                     "subnets": ";".join(["24"] * 65)},
    "a gateway beyond the fifth": {"gateways": "1.2.3.4;" * 5 + "x"},
    "not ASCII": {"dns": "1.2.3.\u0664"},
    "family 4": {"family": 4},
}


@scenario(SETUP, guests=OURS)
def malformed_strings(t: Test) -> None:
    """None of it reaches the agent, nor changes anything."""
    negotiate(t, False)
    with agent(t, 0) as job:
        for what, texts in MALFORMED.items():
            t.body_status("INVALID_ARGUMENT", kvpwire.pack_ip_texts(
                kvpwire.SET_IP_INFO, MAC, **{"family": 3} | texts), what)
        for name in ("", "eth0", NIC[:-1], MAC + ":00", "../../etc/passwd"):
            t.body_status("NOT_FOUND", kvpwire.pack_ip_texts(
                kvpwire.SET_IP_INFO, name), f"adapter {name}")
        t.kvp.set_ip_info(info(MAC))
        saw(t, job, [line(info(MAC), 0)])
    t.works()


# Texts that are longer than any address, and what may mean something to a parser,
# to a shell or to a log.
HOSTILE = ("A" * 1023, "1" * 1023, "1.2.3.4;" + ":" * 1000, "%n%s" * 255,
           "fe80::1%" + "z" * 1000, "::1;" * 50 + "9" * 300,
           "1.2.3.4$(reboot)", "1.2.3.4`reboot`", "1.2.3.4\nIPADDR0=6.6.6.6",
           "\u20ac" * 1023, "../../../etc/passwd", "\x1b]0;owned\x07")


@scenario(SETUP)
def hostile_texts_and_the_daemon(t: Test) -> None:
    """hv_kvp_daemon copies what the host sends into 46 bytes. It never sees such
    a text: what was read is written anew for it, and the rest refused."""
    negotiate(t, False)
    t.sh(f"mkdir -p {SCRIPT.rpartition('/')[0]}; rm -f /tmp/ifcfg\n"
         f"printf '#!/bin/sh\\ncp $1 /tmp/ifcfg\\n' >{SCRIPT}; chmod +x {SCRIPT}")
    with (daemon(t) if t.guest == HV_KVP else nullcontext()):
        before = t.eventually(lambda: pid(t), "the daemon runs")
        good = {"addresses": "192.0.2.7", "subnets": "255.255.255.0",
                "gateways": "192.0.2.1", "dns": "198.51.100.1"}
        for field in good:
            # more subnets than addresses are not looked at
            front = "255.255.255.0x" if field == "subnets" else ""
            for text in HOSTILE:
                t.body_status("INVALID_ARGUMENT", kvpwire.pack_ip_texts(
                    kvpwire.SET_IP_INFO, f"{{{NIC}}}", kvpwire.FAMILY_V4,
                    **good | {field: front + text}), f"{field}: {text[:20]!r}")
        t.true(t.host.run("test -e /tmp/ifcfg", check=False).code,
               "nothing was set")
        t.body_status("OK", kvpwire.pack_ip_texts(
            kvpwire.SET_IP_INFO, f"{{{NIC}}}", kvpwire.FAMILY_V4, 0,
            " 192.0.2.7 ;2001:DB8::7%12", "24; /64;" + "x" * 900,
            "192.0.2.1;" * 6, "198.51.100.1"), "what can be read")
        t.equal(t.sh("cat /tmp/ifcfg").splitlines()[1:], [
            "DEVICE=" + t.sh(f"ls /sys/bus/vmbus/devices/{NIC}/net"),
            "BOOTPROTO=none", "IPADDR0=192.0.2.7",
            "IPV6ADDR=2001:0db8:0000:0000:0000:0000:0000:0007",
            "NETMASK0=255.255.255.0", "IPV6NETMASK=64", "GATEWAY=192.0.2.1",
            *(f"GATEWAY{n}=192.0.2.1" for n in range(1, 5)),
            "DNS1=198.51.100.1"])
        t.equal(pid(t), before, "the daemon is the same")
    t.true("owned" not in t.sh("dmesg"), "nothing of it is in the log")
    t.works()


# What hosts send that is not as it should be and can mean one thing only.
SLOPPY = {
    "blanks": {"addresses": " 192.0.2.7 ;2001:db8::7\t", "subnets": "24 ; /64;",
               "gateways": "; 192.0.2.1 ;2001:db8::1", "dns": "198.51.100.1 "},
    "zones": {"addresses": "192.0.2.7;2001:db8::7%12", "subnets": "24;64",
              "gateways": "192.0.2.1;2001:db8::1%eth0", "dns": "198.51.100.1"},
    "more subnets": {"addresses": "192.0.2.7;2001:db8::7",
                     "subnets": "24;64;255.255.0.0;$(reboot);\u0664",
                     "gateways": "192.0.2.1;2001:db8::1", "dns": "198.51.100.1"},
}
LEFT_OUT = "/sys/kernel/debug/hv_kvp/ip_left_out"


@scenario(SETUP, guests=OURS)
def sloppy_strings(t: Test) -> None:
    """The agent gets what is plain, and the rest is counted. The log tells how
    much it was, and nothing of it."""
    negotiate(t, False)
    wanted = info(MAC, addresses=[Address.parse("192.0.2.7/24"),
                                  Address.parse("2001:db8::7/64")],
                  dns=[ipaddress.ip_address("198.51.100.1")])
    told = "dmesg | grep 'SET_IP_INFO:' || true"
    before, logged = int(t.sh(f"cat {LEFT_OUT}")), len(t.sh(told).splitlines())
    with agent(t, 0) as job:
        for (what, texts), counted in zip(SLOPPY.items(), (0, 2, 5)):
            t.body_status("OK", kvpwire.pack_ip_texts(
                kvpwire.SET_IP_INFO, MAC, kvpwire.FAMILY_BOTH, **texts), what)
            t.equal(int(t.sh(f"cat {LEFT_OUT}")) - before, counted, what)
        saw(t, job, [line(wanted, 0)] * 3)
    seen = t.sh(told).splitlines()[logged:]
    t.equal([entry.partition("SET_IP_INFO: ")[2] for entry in seen], [
        f"{n} subnets, zones, gateways or DNS servers left out" for n in (2, 3)])


@scenario(SETUP, guests=OURS)
def more_servers_than_fit(t: Test) -> None:
    """Of the gateways and DNS servers the first ones count. An address is
    never left out."""
    negotiate(t, False)
    gateways, dns = ([f"10.0.0.{n}" for n in range(1, 1 + most)]
                     for most in (6, 65))
    asked = info(MAC, addresses=[Address.parse("10.0.0.100/8")],
                 gateways=[ipaddress.ip_address(g) for g in gateways[:5]],
                 dns=[ipaddress.ip_address(d) for d in dns[:64]])
    before = int(t.sh(f"cat {LEFT_OUT}"))
    with agent(t, 0) as job:
        t.body_status("OK", kvpwire.pack_ip_texts(
            kvpwire.SET_IP_INFO, MAC, kvpwire.FAMILY_BOTH, 0, "10.0.0.100",
            "255.0.0.0", ";".join(gateways), ";".join(dns)), "6 and 65")
        saw(t, job, [line(asked, 0)])
    t.equal(int(t.sh(f"cat {LEFT_OUT}")), before + 2)


@scenario(SETUP, guests=OURS)
def neither_family(t: Test) -> None:
    """A request about neither is none about both, which would take all addresses
    away. In string form the addresses tell, and DHCP, which is about IPv4."""
    four, six = Address.parse("192.0.2.7/24"), Address.parse("2001:db8::7/64")
    with agent(t, 0) as job:
        for dhcp in (False, True):
            for some in ([], [four, six]):
                t.status("INVALID_ARGUMENT", lambda d=dhcp, s=some: t.kvp
                         .set_ip_info(info(MAC, family=0, dhcp=d, addresses=s)))
        saw(t, job, [], "binary")
    negotiate(t, False)
    with agent(t, 0) as job:
        t.status("INVALID_ARGUMENT", lambda: t.kvp.set_ip_info(
            info(MAC, family=0, addresses=[])))
        seen = []
        for family, dhcp, some, meant in (
                (0, False, [four], 1), (0, False, [six], 2), (0, True, [], 1),
                (0, True, [six], 2), (0, False, [four, six], 3),
                (1, False, [six], 3), (2, False, [], 2)):
            t.kvp.set_ip_info(info(MAC, family=family, dhcp=dhcp, addresses=some))
            seen.append(line(info(MAC, family=meant, dhcp=dhcp, addresses=some),
                             0))
        saw(t, job, seen, "strings")
    t.works()


@scenario(SETUP, guests=OURS)
def malformed_tables(t: Test) -> None:
    """Likewise in binary form."""
    with agent(t, 0) as job:
        for n, most in enumerate((64, 64, 5, 5, 64, 64)):
            counts = [0] * 6
            counts[n] = most + 1
            t.body_status("INVALID_ARGUMENT", kvpwire.pack_ip_binary(
                kvpwire.SET_IP_INFO, IpInfo(MAC, kvpwire.FAMILY_BOTH),
                counts=tuple(counts)), f"count {n}")
        good = kvpwire.pack_ip_binary(kvpwire.SET_IP_INFO, info(MAC))
        # a mask with a hole, a prefix length out of range, a family
        mask = 4 + 24 + 256 + 4 + 64 * 4 + 64 * 16
        for at, new in ((mask, b"\xff\0\xff\0"), (mask + 256, b"\x81\0\0\0"),
                        (mask + 256, b"\x40\0\0\x80"), (284, b"\x04")):
            t.body_status("INVALID_ARGUMENT",
                          good[:at] + new + good[at + len(new):],
                          f"{new!r} at {at}")
        t.body_status("NOT_FOUND", kvpwire.pack_ip_binary(
            kvpwire.SET_IP_INFO, IpInfo("eth0")), "adapter")
        t.raw_body(good)
        saw(t, job, [line(info(MAC), 0)])
    t.works()


@scenario(SETUP, guests=OURS)
def overrides(t: Test) -> None:
    """The host sees an agent's word instead of the kernel's, and the kernel's
    again once it is dropped. It still cannot write there itself."""
    before = t.kvp.enumerate(AUTO)
    name = "OSName"
    t.sh(f"hv_kvp_tool override {name} 'Test \u20ac Linux'")
    wanted = Item(name, "Test \u20ac Linux")
    t.equal(t.kvp.get(AUTO, name), wanted)
    t.equal(t.kvp.enumerate(AUTO),
            [wanted if item.key == name else item for item in before])
    t.status("NOT_SUPPORTED", lambda: t.kvp.set(AUTO, Item(name, "x")))
    t.status("NOT_SUPPORTED", lambda: t.kvp.delete(AUTO, name))
    t.sh(f"hv_kvp_tool default {name}")
    t.equal(t.kvp.enumerate(AUTO), before)
