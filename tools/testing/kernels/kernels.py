#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0
"""Kernels for the tests, from the command line; `kernels.py --help`."""
from __future__ import annotations

import argparse
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

sys.path[0] = str(Path(__file__).resolve().parents[1])

from kernels import (CUSTOM, SPECS, Error, Kernel, custom, daemons, setup, source,  # noqa: E402
                     stock)
from kernels.cache import PROJECT, forget  # noqa: E402
from kernels.daemons import FITTING  # noqa: E402

CHECKED = ("uml-gcov", "uml-debug")	# the custom kernels that make check uses


def show(kernel: Kernel) -> None:
    """Print what there is, one `name=value` a line, for shell scripts."""
    print(f"release={kernel.release}")
    for name in ("vmlinuz", "vmlinux", "config", "modules_dir", "kdir"):
        try:
            print(f"{name}={getattr(kernel, name)}")
        except Error:
            pass


def prepare() -> None:
    """Have all that `make check` needs: the builds in one thread, the downloads in another."""
    setup("check")

    def build() -> None:
        for name in CHECKED:
            custom(name)

    def download() -> None:
        for name, spec in SPECS.items():
            if spec.check:
                _ = stock(name).kdir
        for name in FITTING:
            daemons(name)

    with ThreadPoolExecutor(2) as pool:
        for done in [pool.submit(build), pool.submit(download)]:
            done.result()


def arguments() -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    commands = parser.add_subparsers(dest="command", required=True)
    one = commands.add_parser("setup", help="install the packages that are missing")
    one.add_argument("set", choices=("run", "check"), nargs="?", default="check")
    one = commands.add_parser("stock", help="a Debian kernel: " + ", ".join(SPECS))
    one.add_argument("name")
    one = commands.add_parser("custom", help="a kernel of our own: " + ", ".join(CUSTOM))
    one.add_argument("name")
    one = commands.add_parser("daemons", help="hyperv-daemons for a Debian kernel")
    one.add_argument("name")
    one = commands.add_parser("modules", help="build an external module, print its tree")
    one.add_argument("name")
    one.add_argument("source", type=Path, nargs="?", default=PROJECT)
    one.add_argument("--folder", default="", help="of the source tree, with the Kbuild file")
    one.add_argument("--make", action="append", default=[], help="an argument for make, as W=1")
    commands.add_parser("prepare", help="all that make check needs")
    commands.add_parser("update", help="use the newest packages from now on")
    return parser.parse_args()


def main() -> None:
    """Do one command."""
    args = arguments()
    if args.command == "setup":
        setup(args.set)
    elif args.command == "stock":
        show(stock(args.name))
    elif args.command == "custom":
        show(custom(args.name))
    elif args.command == "daemons":
        print(daemons(args.name))
    elif args.command == "modules":
        kernel = custom(args.name) if args.name in CUSTOM else stock(args.name)
        print(kernel.build(args.source, args.folder, args.make))
    elif args.command == "prepare":
        prepare()
    elif args.command == "update":
        for kind in ("stock", "daemons"):
            for name in SPECS:
                forget(kind, name)
        forget("source", source.PACKAGE)
        forget("apt", "updated")


if __name__ == "__main__":
    try:
        main()
    except Error as error:
        sys.exit(f"kernels.py: {error}")
