# SPDX-License-Identifier: GPL-2.0
"""Agents and the host at the same pools at the same time, on two CPUs that
really run side by side, for kernels that look for races."""
import random
import time

import leaks
import reports
from guests import HV_KVP, Setup
from hvhost.agent import Job
from hvhost.ic import ChannelClosed, Superseded
from hvhost.kvpwire import (AUTO, AUTO_EXTERNAL, EXTERNAL, GUEST, QWORD,
                            Item)
from scenario import Failed, Test, scenario

SECONDS = 60
LIMITS = "agent_items=3000 agent_bytes=4194304"
SMP = Setup(cpus=2, memory=768, selftests=True, params=LIMITS, thread="multi")
CHECKED = ("debug", "kcsan")

# Kinds of agents, as hv_kvp_stress has them; the numbers tell them apart.
AGENTS = ("own 1", "own 2", "pair 3", "pair 4", "count 5", "count 6",
          "list 7", "list 8", "watch 9")
# Reads everything in sysfs. Files of items come and go meanwhile.
READER = ("end=$(($(cut -d. -f1 /proc/uptime) + {0})); n=0; "
          "while [ $(cut -d. -f1 /proc/uptime) -lt $end ]; do "
          "find /sys/class/misc/hv_kvp/ -type f ! -name uevent 2>/dev/null "
          "| xargs cat >/dev/null 2>&1; n=$((n + 1)); done; echo sysfs $n")
# Addresses of interfaces change while the host reads the intrinsic items.
LINKS = ("insmod /modules/dummy.ko 2>/dev/null; "
         "end=$(($(cut -d. -f1 /proc/uptime) + {0})); n=0; "
         "while [ $(cut -d. -f1 /proc/uptime) -lt $end ]; do "
         "ip addr add 192.0.2.9/24 dev dummy0; ip link set dummy0 up; "
         "ip addr del 192.0.2.9/24 dev dummy0; n=$((n + 1)); done; "
         "echo links $n")
# CONFIG_HYPERV_TESTING: each device's messages and interrupts are late by up to
# a millisecond, by another time in each round.
DELAYED = "/sys/kernel/debug/hyperv"
DELAY = ("cd {1}; end=$(($(cut -d. -f1 /proc/uptime) + {0})); n=0; "
         "while [ $(cut -d. -f1 /proc/uptime) -lt $end ]; do for d in *; do "
         "echo $((n * 37 % 1001)) >$d/delay/fuzz_test_buffer_interrupt_delay; "
         "echo $((n * 91 % 1001)) >$d/delay/fuzz_test_message_delay; done; "
         "n=$((n + 1)); done; echo delays $n")


class HostSide:
    """What the host does meanwhile; its own keys hold what it wrote."""

    def __init__(self, t: Test):
        self.t, self.written = t, {}
        self.rounds = 0
        self.random = random.Random(7)

    def round(self) -> None:
        """One transaction or one enumeration, and now and then NEGOTIATE."""
        t, pool = self.t, self.random.choice((EXTERNAL, GUEST))
        key = f"host{self.random.randrange(40)}"
        what = self.random.randrange(12)
        self.rounds += 1
        if what < 5:
            item = Item(key, "v" * self.random.randrange(200))
            t.kvp.set(pool, item)
            self.written[pool, key] = item
        elif what < 7 and (pool, key) in self.written:
            t.kvp.delete(pool, key)
            del self.written[pool, key]
        elif what < 9 and (pool, key) in self.written:
            t.equal(t.kvp.get(pool, key), self.written[pool, key])
        elif what == 9:
            t.kvp.enumerate(AUTO)
        elif what == 10:
            # One index too many, or too few: some are left in the middle.
            for index in range(self.random.randrange(60)):
                if not t.kvp.enumerate_one(pool, index):
                    break
        elif self.rounds % 50 == 0:
            t.kvp.negotiate().wait(30)

    def check(self) -> None:
        """Nothing that the host wrote got lost."""
        for pool in (EXTERNAL, GUEST):
            wanted = {k: i for (p, k), i in self.written.items() if p == pool}
            got = {i.key: i for i in self.t.kvp.enumerate(pool)
                   if i.key.startswith("host")}
            self.t.equal(got, wanted, f"the host's items in pool {pool}")


def results(t: Test, jobs: list[Job]) -> dict[str, int]:
    """What the agents say; fails with what did not hold."""
    sums: dict[str, int] = {}
    for job in jobs:
        result = job.wait(150)
        if result.code:
            raise Failed(f"{result.command}: exit code {result.code}: "
                         f"{result.text} {result.stderr.decode()}")
        words = result.text.split()
        sums[words[0]] = sums.get(words[0], 0) + int(words[1])
        t.host.transcript.add("scenario", result.text)
    return sums


def start(t: Test, seconds: int, agents: tuple[str, ...]) -> list[Job]:
    """The agents, the readers of sysfs and the changes of addresses."""
    jobs = [t.host.spawn(f"hv_kvp_stress {seconds} {a}") for a in agents]
    jobs.append(t.host.spawn(READER.format(seconds)))
    jobs.append(t.host.spawn(LINKS.format(seconds)))
    return jobs


def work(t: Test, jobs: list[Job]) -> None:
    """The host takes part until the @jobs end; nothing may be lost."""
    host = HostSide(t)
    while any(job.running for job in jobs):
        host.round()
    sums = results(t, jobs)
    host.check()
    t.true(host.rounds > SECONDS and all(sums.values()),
           f"somebody did nothing: {sums}, host {host.rounds}")
    counter = next(i for i in t.kvp.enumerate(GUEST) if i.key == "counter")
    t.equal(counter, Item("counter", sums["count"], QWORD))
    print(f"# {t.kernel}: {SECONDS} s, host {host.rounds}, "
          + ", ".join(f"{k} {v}" for k, v in sums.items())
          + f"; {reports.foreign_races(t.host.machine.console_text())}"
          " races outside hv_kvp", flush=True)


@scenario(SMP, guests=(HV_KVP,), proof=CHECKED)
def agents_and_host(t: Test) -> None:
    """A minute of everything at a time: what each writes is what it reads, no
    half of a batch is ever seen, no increment is lost."""
    leaks.begin(t)
    work(t, start(t, SECONDS, AGENTS))
    leaks.check(t)


def delay(t: Test, on: bool) -> None:
    """Whether VMBus of the guest is slow, by a millisecond at each step."""
    t.sh(f"{leaks.DEBUGFS} cd {DELAYED} && for d in *; do "
         f"echo {int(on)} >$d/fuzz_test_state; for f in $d/delay/*; do echo 1000 >$f; done; done")


@scenario(SMP, guests=(HV_KVP,), proof=CHECKED)
def agents_and_delays(t: Test) -> None:
    """The same while VMBus delays messages and interrupts: each request is
    answered, once, and nothing is lost."""
    leaks.begin(t)
    delay(t, True)
    try:
        before = time.monotonic()
        for _ in range(20):
            t.kvp.enumerate_one(GUEST, 0)
        # An interrupt, a packet, and the look for another one.
        t.true(time.monotonic() - before > 20 * 0.003, "nothing was delayed")
        work(t, [*start(t, SECONDS, AGENTS),
                 t.host.spawn(DELAY.format(SECONDS, DELAYED))])
        t.equal(t.kvp.stale, [], "answers that nobody waits for")
    finally:
        delay(t, False)
    t.works()
    leaks.check(t)


@scenario(SMP, guests=(HV_KVP,), proof=CHECKED)
def agents_and_rescinds(t: Test) -> None:
    """The device comes and goes under the agents, at any moment of what the
    host was doing."""
    seconds = 20
    leaks.begin(t)
    t.kvp.offer_item(AUTO_EXTERNAL, Item("again", "and again"))
    jobs = start(t, SECONDS, AGENTS)
    count, end = 0, time.monotonic() + seconds - 3
    host = HostSide(t)
    while time.monotonic() < end:
        count += 1
        before = t.kvp.negotiations
        for _ in range(host.random.randrange(20)):
            host.round()
        t.kvp.submit(b"\3\1" + bytes(2578), "out")
        time.sleep(host.random.random() / 100)
        t.device.rescind().result()
        t.device.wait_state("none")
        t.device.reoffer().result()
        try:
            t.kvp.wait_pushed(60, before + 1)
        except (ChannelClosed, Superseded):
            t.kvp.wait_pushed(60, before + 1)
    results(t, jobs)
    host.check()
    t.true(count >= 3, f"{count} rescinds only")
    print(f"# {t.kernel}: {count} rescinds under load", flush=True)
    t.works()
    leaks.check(t)
