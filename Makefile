# SPDX-License-Identifier: GPL-2.0
# The module, and the ways to see it work. `make help` lists them.

KVER ?= $(shell uname -r)
KDIR ?= /lib/modules/$(KVER)/build

modules clean:
	$(MAKE) -C $(KDIR) M=$(CURDIR) $@

install: modules
	$(MAKE) -C $(KDIR) M=$(CURDIR) modules_install
	depmod $(if $(INSTALL_MOD_PATH),-b $(INSTALL_MOD_PATH)) -a $(KVER)

# The rest is in Python, which a minimal Debian lacks; it installs what else it needs.
python:
	@command -v python3 >/dev/null || \
		{ apt-get update && apt-get install -y --no-install-recommends python3; }

run: python
	tools/testing/e2e/run-demo

check: python
	tools/testing/check

soak: python
	tools/testing/check --soak

bench: python
	tools/testing/bench/run

fuzz:
	$(MAKE) -C tools/testing/fuzz fuzz

help:
	@echo "make modules   build hv_kvp.ko (KDIR=, default: the running kernel's headers)"
	@echo "make install   install it for the kernel KVER (default: the running one)"
	@echo "make clean     remove what 'modules' built"
	@echo "make run       boot a guest on the emulated host and show a conversation"
	@echo "make check     every test, with 'N passed, N failed' as the last line"
	@echo "make soak      the long tests: hours, not part of check"
	@echo "make bench     figures, beside hv_utils with hv_kvp_daemon, into results/bench"
	@echo "make fuzz      libFuzzer on the pure files, for SECONDS= each (default 600)"

.DEFAULT_GOAL := modules
.PHONY: modules install clean python run check soak bench fuzz help
