# SPDX-License-Identifier: GPL-2.0
# The module, and the ways to see it work. `make help` lists them.

KVER ?= $(shell uname -r)
KDIR ?= /lib/modules/$(KVER)/build

# Below DESTDIR, for packages; the module below INSTALL_MOD_PATH.
DESTDIR ?=
INSTALL_MOD_PATH ?= $(DESTDIR)
TOOLS := tools/hv/kvp
MODULES_DIR = $(INSTALL_MOD_PATH)/lib/modules/$(KVER)
# Only for those who install: a test of `make install` inherits what is exported.
install uninstall install-tools install-dkms uninstall-dkms: export DESTDIR := $(DESTDIR)
install uninstall: export INSTALL_MOD_PATH := $(INSTALL_MOD_PATH)

modules:
	$(MAKE) -C $(KDIR) M=$(CURDIR) $@

tools:
	$(MAKE) -C $(TOOLS)

clean:
	$(MAKE) -C $(KDIR) M=$(CURDIR) $@
	$(if $(wildcard $(TOOLS)),$(MAKE) -C $(TOOLS) $@)

install: modules
	$(MAKE) -C $(KDIR) M=$(CURDIR) modules_install
	depmod $(if $(INSTALL_MOD_PATH),-b $(INSTALL_MOD_PATH)) -a $(KVER)
	$(MAKE) -C $(TOOLS) $@

uninstall:
	rm -f $(foreach dir,updates extra,$(wildcard $(MODULES_DIR)/$(dir)/drivers/hv/kvp/hv_kvp.ko*))
	depmod $(if $(INSTALL_MOD_PATH),-b $(INSTALL_MOD_PATH)) -a $(KVER)
	$(MAKE) -C $(TOOLS) $@

# All but the module, and its sources for dkms, which builds it for each kernel.
install-tools:
	$(MAKE) -C $(TOOLS) install
install-dkms: install-tools
	$(MAKE) -C $(TOOLS) $@
uninstall-dkms:
	$(MAKE) -C $(TOOLS) $@

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
	@echo "make tools     build kvpctl, the command line tool"
	@echo "make install   install both and what loads and starts them, for the kernel KVER"
	@echo "               (default: the running one), below DESTDIR; 'uninstall' undoes it"
	@echo "make install-dkms  the same with the module's sources for dkms"
	@echo "make clean     remove what 'modules' built"
	@echo "make run       boot a guest on the emulated host and show a conversation"
	@echo "make check     every test, with 'N passed, N failed' as the last line"
	@echo "make soak      the long tests: hours, not part of check"
	@echo "make bench     figures, beside hv_utils with hv_kvp_daemon, into results/bench"
	@echo "make fuzz      libFuzzer on the pure files, for SECONDS= each (default 600)"

.DEFAULT_GOAL := modules
.PHONY: modules tools install uninstall install-tools install-dkms uninstall-dkms clean python run check soak bench fuzz help
