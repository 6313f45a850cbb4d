# SPDX-License-Identifier: GPL-2.0
"""Kernels for the tests: Debian's, unmodified, and some built from Debian's source.

    from kernels import stock, custom, daemons

    k = stock("6.1")            # also "6.12", "7.3", "6.1-amd64", "6.12-amd64"; for compiling
                                # only: "6.1-rt", "6.12-rt", "6.1-arm64", "6.12-arm64"
    k.release                   # what uname -r says, "6.1.0-56-cloud-amd64"
    k.vmlinux, k.vmlinuz        # the ELF image, the bzImage
    k.modules_dir               # .../lib/modules/RELEASE, plain .ko files, depmod has run
    k.root                      # what modules_dir is below; modprobe -d ROOT -S RELEASE
    k.module("hv_utils")        # path of one .ko, None if it is built in
    k.kdir                      # for make -C KDIR M=...
    k.build_module(srcroot)     # path of hv_kvp.ko, built in a copy of srcroot for this kernel
    u = custom("uml-gcov")      # also "uml-debug", and for SMP "x86-debug", "x86-kcsan" (minutes)
    u.vmlinux, u.kdir           # the program; external modules are built with ARCH=um
    k.build(srcroot, "tools/testing/kunit", ["W=1"])    # the tree that was built, log in build.log

Everything is kept in $HV_KVP_CACHE, default .cache in the project's root;
what is there is used without asking any mirror.
"""
from .cache import Error, root as cache_root
from .custom import CUSTOM, custom
from .daemons import daemons
from .debian import SPECS, stock
from .kernel import Kernel
from .packages import setup

__all__ = ["CUSTOM", "Error", "Kernel", "SPECS", "cache_root", "custom", "daemons", "setup", "stock"]
