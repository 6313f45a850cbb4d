# SPDX-License-Identifier: GPL-2.0
"""The short programs of the documentation: each does in the guest what its page says."""
from docprograms import COMMANDS
from guests import HV_KVP, Setup
from hvhost.agent import Job
from hvhost.kvpwire import GUEST, Item
from scenario import Test, scenario

SETUP = Setup(examples=True)
VALUE = "\u20ac uro"


def lines(job: Job) -> list[str]:
    """What a program that watches has printed."""
    return job.stdout.decode().splitlines()


def watch_with_all(t: Test) -> dict[str, Job]:
    """Starts them; each is told only what comes once it watches."""
    jobs = {name: t.host.spawn(f"{command} watch") for name, command in COMMANDS.items()}

    def is_watching(job: Job) -> bool:
        t.true(job.running, f"it has ended: {job.stderr.decode()}")
        t.sh(f"{COMMANDS['c']} set first x")
        return bool(lines(job))
    for name, job in jobs.items():
        # a slow machine takes its time to start Python
        t.eventually(lambda j=job: is_watching(j), f"{name} watches", 60)
    return jobs


@scenario(SETUP, guests=(HV_KVP,))
def set_get_watch(t: Test) -> None:
    """What one sets the host and the others see, and each is told of it."""
    jobs = watch_with_all(t)
    told = {"set by-the-host=1"}
    for name, command in COMMANDS.items():
        key = f"by-{name}"
        said = t.sh(f"{command} set {key} '{VALUE}'")
        t.true(said.startswith("generation "), said)
        t.equal(t.kvp.get(GUEST, key).value, VALUE)
        for other in COMMANDS.values():
            t.equal(t.sh(f"{other} get {key}").rstrip("\n"), VALUE)
        t.true(t.host.run(f"{command} get no-such-key", 30, check=False).code != 0, "an error")
        told.add(f"set {key}={VALUE}")
    t.kvp.set(GUEST, Item("by-the-host", "1"))
    for name, job in jobs.items():
        t.eventually(lambda j=job: told <= set(lines(j)), f"{name} is told of all that was set")
    t.kvp.delete(GUEST, "by-the-host")
    for name, job in jobs.items():
        t.eventually(lambda j=job: "deleted by-the-host" in lines(j),
                     f"{name} is told of what was deleted")
        job.kill()
        job.wait()
