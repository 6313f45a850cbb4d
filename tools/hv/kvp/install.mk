# SPDX-License-Identifier: GPL-2.0
# What a distribution installs besides the module. Everything goes below DESTDIR;
# nothing of it needs systemd or udev to be there.
DESTDIR ?=
PREFIX ?= /usr
SBINDIR ?= $(PREFIX)/sbin
LIBDIR ?= $(PREFIX)/lib
DATADIR ?= $(PREFIX)/share
SYSCONFDIR ?= /etc
INCLUDEDIR ?= $(PREFIX)/include

UNITDIR := $(LIBDIR)/systemd/system
# units, each with the target that wants it once it is enabled
UNITS := hv-kvp-save.service hv-kvp-identify.service hv-kvp-identify.path hv-kvp-agent.service
WANTED_BY_hv-kvp-save.service := sysinit.target
WANTED_BY_hv-kvp-identify.service := dev-hv_kvp.device
WANTED_BY_hv-kvp-identify.path := dev-hv_kvp.device
WANTED_BY_hv-kvp-agent.service := dev-hv_kvp.device

# Below DESTDIR: file, its mode, and what it is made from. @NAME@ in what ends
# with .in or .sh is replaced.
FILES := \
	$(SBINDIR)/kvpctl:0755:$(OUTPUT)/kvpctl \
	$(INCLUDEDIR)/linux/hv_kvp.h:0644:$(ROOT)/include/uapi/linux/hv_kvp.h \
	$(DATADIR)/man/man8/kvpctl.8:0644:kvpctl.8 \
	$(DATADIR)/bash-completion/completions/kvpctl:0644:dist/completion.bash \
	$(DATADIR)/initramfs-tools/hooks/hv_kvp:0755:dist/initramfs-hook \
	$(LIBDIR)/dracut/modules.d/90hv_kvp/module-setup.sh:0755:dist/dracut-module-setup.sh \
	$(LIBDIR)/modprobe.d/hv_kvp.conf:0644:dist/modprobe.conf \
	$(LIBDIR)/sysusers.d/hv_kvp.conf:0644:dist/sysusers.conf \
	$(LIBDIR)/udev/rules.d/60-hv_kvp.rules:0644:dist/udev.rules \
	$(foreach unit,$(UNITS),$(UNITDIR)/$(unit):0644:dist/$(unit).in)

# Enabled, as systemctl would do it.
LINKS := $(foreach unit,$(UNITS),$(SYSCONFDIR)/systemd/system/$(WANTED_BY_$(unit)).wants/$(unit))

# The sources for dkms; `dkms install hv_kvp/VERSION` does the rest.
DKMS_DIR := $(PREFIX)/src/hv_kvp-$(VERSION:"%"=%)
DKMS_FILES = $(shell cd $(ROOT) && find Kbuild Makefile COPYING drivers include -name '*.[ch]' -o -name Kbuild -o -name Makefile -o -name COPYING)

part = $(word $(2),$(subst :, ,$(1)))
SUBSTITUTE := sed -e 's|@SBINDIR@|$(SBINDIR)|g' -e 's|@LIBDIR@|$(LIBDIR)|g' -e 's|@VERSION@|$(VERSION:"%"=%)|g'

define install_file
	install -D -m $(call part,$(1),2) $(call part,$(1),3) $(DESTDIR)$(call part,$(1),1)
	$(if $(filter %.in %.sh,$(1)),$(SUBSTITUTE) $(call part,$(1),3) > $(DESTDIR)$(call part,$(1),1))

endef

define enable
	mkdir -p $(dir $(DESTDIR)$(1))
	ln -sfn $(UNITDIR)/$(notdir $(1)) $(DESTDIR)$(1)

endef

install: all
	$(foreach file,$(FILES),$(call install_file,$(file)))
	$(foreach link,$(LINKS),$(call enable,$(link)))
	install -d -m 0700 $(DESTDIR)/var/lib/hv_kvp
	$(if $(DESTDIR),,$(MAKE) activate)

# What a package's scripts do: tell the running system. It may lack any of these.
activate:
	-getent group hv_kvp >/dev/null || groupadd --system hv_kvp
	-[ ! -d /run/systemd/system ] || systemctl daemon-reload
	-[ ! -S /run/udev/control ] || udevadm control --reload

# Saved items stay: they are not ours to delete.
uninstall:
	rm -f $(foreach file,$(FILES),$(DESTDIR)$(call part,$(file),1)) $(addprefix $(DESTDIR),$(LINKS))
	rmdir --ignore-fail-on-non-empty $(DESTDIR)$(LIBDIR)/dracut/modules.d/90hv_kvp 2>/dev/null || true
	$(if $(DESTDIR),,[ ! -d /run/systemd/system ] || systemctl daemon-reload)

install-dkms:
	cd $(ROOT) && for file in $(DKMS_FILES); do \
		install -D -m 0644 $$file $(abspath $(DESTDIR)/)$(DKMS_DIR)/$$file; done
	$(SUBSTITUTE) dist/dkms.conf.in > $(DESTDIR)$(DKMS_DIR)/dkms.conf

uninstall-dkms:
	rm -rf $(DESTDIR)$(DKMS_DIR)

.PHONY: install activate uninstall install-dkms uninstall-dkms
