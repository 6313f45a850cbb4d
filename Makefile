# SPDX-License-Identifier: GPL-2.0
# The module, and the ways to see it work. `make help` lists them.

KVER ?= $(shell uname -r)
KDIR ?= /lib/modules/$(KVER)/build

# Below DESTDIR, for packages; the module below INSTALL_MOD_PATH.
DESTDIR ?=
INSTALL_MOD_PATH ?= $(DESTDIR)
TOOLS := tools/hv/kvp
# They are named to a make in another folder, which comes from here by -C.
TOOLS_MAKE = $(MAKE) -C $(TOOLS) DESTDIR=$(abspath $(DESTDIR))
KBUILD_MAKE = $(MAKE) -C $(KDIR) M=$(CURDIR) INSTALL_MOD_PATH=$(MOD_PATH)
MOD_PATH = $(abspath $(INSTALL_MOD_PATH))
MODULES_DIR = $(MOD_PATH)/lib/modules/$(KVER)
DEPMOD = depmod $(if $(MOD_PATH),-b $(MOD_PATH)) -a $(KVER)

all: tools modules

# The module alone needs them.
headers:
	@[ -e "$(KDIR)/Makefile" ] || { \
		echo "No headers of kernel $(KVER) in $(KDIR)." >&2; \
		echo "Install linux-headers-$(KVER) (kernel-devel, kernel-default-devel), or say KVER= or KDIR=." >&2; \
		echo "Without them: make tools, make install-tools, make install-dkms." >&2; exit 1; }

modules: headers
	$(KBUILD_MAKE) $@

tools:
	$(MAKE) -C $(TOOLS)

# What kbuild's own clean removes; that one needs the headers.
clean:
	find drivers \( -name '*.o' -o -name '*.ko' -o -name '*.mod' -o -name '*.mod.c' -o -name '.*.cmd' \
		-o -name '*.order' -o -name '.tmp_*' \) -type f -delete
	rm -f .*.cmd Module.symvers modules.order
	$(if $(wildcard $(TOOLS)),$(MAKE) -C $(TOOLS) $@)

install: install-module install-tools

install-module: modules
	$(KBUILD_MAKE) modules_install
	$(DEPMOD)

uninstall:
	rm -f $(foreach dir,updates extra,$(wildcard $(MODULES_DIR)/$(dir)/drivers/hv/kvp/hv_kvp.ko*))
	$(if $(wildcard $(MODULES_DIR)),$(DEPMOD))
	$(TOOLS_MAKE) $@

# All but the module, and its sources for dkms, which builds it for each kernel.
install-tools:
	$(TOOLS_MAKE) install
install-dkms: install-tools
	$(TOOLS_MAKE) $@
uninstall-dkms:
	$(TOOLS_MAKE) $@

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

# Packages, into results/.
deb rpm dist:
	packaging/make-$@

fuzz:
	$(MAKE) -C tools/testing/fuzz fuzz

help:
	@echo "make           both of the next two"
	@echo "make modules   build hv_kvp.ko (KVER= or KDIR=, default: for the running kernel)"
	@echo "make tools     build kvpctl, the command line tool; needs no headers"
	@echo "make install   install both and what loads and starts them, below DESTDIR; of it alone"
	@echo "               install-module, install-tools. 'uninstall' undoes it"
	@echo "make install-dkms  install-tools, and the module's sources for dkms"
	@echo "make clean     remove what was built"
	@echo "make run       boot a guest on the emulated host and show a conversation"
	@echo "make check     every test, with 'N passed, N failed' as the last line"
	@echo "make soak      the long tests: hours, not part of check"
	@echo "make bench     figures, beside hv_utils with hv_kvp_daemon, into results/bench"
	@echo "make deb, rpm, dist  packages, or the tarball of a release, into results/"
	@echo "make fuzz      libFuzzer on the pure files, for SECONDS= each (default 600)"

.DEFAULT_GOAL := all
.PHONY: all headers modules tools install uninstall install-module install-tools install-dkms uninstall-dkms clean python run check soak bench fuzz deb rpm dist help
