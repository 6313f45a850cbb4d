# SPDX-License-Identifier: GPL-2.0
# What a distribution installs besides the module. Everything goes below DESTDIR;
# nothing of it needs systemd or udev to be there.
DESTDIR ?=
PREFIX ?= /usr
SBINDIR ?= $(PREFIX)/sbin
DATADIR ?= $(PREFIX)/share
INCLUDEDIR ?= $(PREFIX)/include
SYSCONFDIR ?= /etc
# Their readers look there, wherever PREFIX is.
UNITDIR ?= /usr/lib/systemd/system
PRESETDIR ?= /usr/lib/systemd/system-preset
UDEVRULESDIR ?= /usr/lib/udev/rules.d
MODPROBEDIR ?= /usr/lib/modprobe.d
SYSUSERSDIR ?= /usr/lib/sysusers.d
DRACUTDIR ?= /usr/lib/dracut/modules.d
INITRAMFSDIR ?= /usr/share/initramfs-tools/hooks
SRCDIR ?= /usr/src

# units, each with the targets that want it once it is enabled
UNITS := hv-kvp-load.service hv-kvp-save.service hv-kvp-identify.service hv-kvp-agent.service \
	hv-kvp-agent-recover.service
WANTED_BY_hv-kvp-load.service := sysinit.target
WANTED_BY_hv-kvp-save.service := sysinit.target dev-hv_kvp.device
WANTED_BY_hv-kvp-identify.service := dev-hv_kvp.device
WANTED_BY_hv-kvp-agent.service := dev-hv_kvp.device
WANTED_BY_hv-kvp-agent-recover.service := sysinit.target

# Below DESTDIR: file, its mode, and what it is made from. @NAME@ in what ends
# with .in or .sh is replaced.
FILES := \
	$(SBINDIR)/kvpctl:0755:$(OUTPUT)/kvpctl \
	$(INCLUDEDIR)/linux/hv_kvp.h:0644:$(ROOT)/include/uapi/linux/hv_kvp.h \
	$(DATADIR)/man/man8/kvpctl.8:0644:kvpctl.8 \
	$(DATADIR)/bash-completion/completions/kvpctl:0644:dist/completion.bash \
	$(DATADIR)/zsh/site-functions/_kvpctl:0644:dist/completion.zsh \
	$(DATADIR)/fish/vendor_completions.d/kvpctl.fish:0644:dist/completion.fish \
	$(INITRAMFSDIR)/hv_kvp:0755:dist/initramfs-hook \
	$(DRACUTDIR)/90hv_kvp/module-setup.sh:0755:dist/dracut-module-setup.sh \
	$(MODPROBEDIR)/hv_kvp.conf:0644:dist/modprobe.conf \
	$(SYSUSERSDIR)/hv_kvp.conf:0644:dist/sysusers.conf \
	$(UDEVRULESDIR)/60-hv_kvp.rules:0644:dist/udev.rules \
	$(PRESETDIR)/90-hv_kvp.preset:0644:dist/systemd.preset \
	$(foreach unit,$(UNITS),$(UNITDIR)/$(unit):0644:dist/$(unit).in)

# What systemctl enable makes. Only with ENABLE=1, for images: on a running system
# systemctl decides, and a package leaves it to the presets.
links = $(foreach target,$(WANTED_BY_$(1)),$(SYSCONFDIR)/systemd/system/$(target).wants/$(1))
LINKS := $(foreach unit,$(UNITS),$(call links,$(unit)))
# What earlier versions installed.
OLD := $(UNITDIR)/hv-kvp-identify.path $(UNITDIR)/hv-kvp-daemon.service.d/hv_kvp.conf \
	$(SYSCONFDIR)/systemd/system/dev-hv_kvp.device.wants/hv-kvp-identify.path
# Enabled once, when it comes; an administrator may have disabled what was there.
NEW_UNITS := $(filter-out $(notdir $(wildcard $(addprefix $(DESTDIR)$(UNITDIR)/,$(UNITS)))),$(UNITS))

# The sources for dkms; `dkms install hv_kvp/VERSION` does the rest.
DKMS_DIR := $(SRCDIR)/hv_kvp-$(VERSION:"%"=%)
DKMS_FILES = $(shell cd $(ROOT) && find Kbuild Makefile COPYING drivers include \
	\( -name '*.[ch]' -o -name Kbuild -o -name Makefile -o -name COPYING \) ! -name '*.mod.c')

part = $(word $(2),$(subst :, ,$(1)))
SUBSTITUTE := sed -e 's|@SBINDIR@|$(SBINDIR)|g' -e 's|@MODPROBEDIR@|$(MODPROBEDIR)|g' -e 's|@VERSION@|$(VERSION:"%"=%)|g'

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
	rm -f $(addprefix $(DESTDIR),$(OLD))
	$(if $(filter 1,$(ENABLE)),$(foreach link,$(LINKS),$(call enable,$(link))))
	install -d -m 0755 $(DESTDIR)/var/lib/hv_kvp
	$(if $(DESTDIR),,$(MAKE) activate NEW_UNITS="$(NEW_UNITS)")

# What a package's scripts do: tell the running system. It may lack any of these.
activate:
	-getent group hv_kvp >/dev/null || groupadd --system hv_kvp
	-[ -z "$(NEW_UNITS)" ] || ! command -v systemctl >/dev/null || systemctl preset $(NEW_UNITS)
	-[ ! -d /run/systemd/system ] || systemctl daemon-reload
	-[ ! -S /run/udev/control ] || udevadm control --reload

# Saved items stay: they are not ours to delete.
uninstall:
	rm -f $(foreach file,$(FILES),$(DESTDIR)$(call part,$(file),1)) $(addprefix $(DESTDIR),$(LINKS) $(OLD))
	rmdir --ignore-fail-on-non-empty $(DESTDIR)$(DRACUTDIR)/90hv_kvp $(DESTDIR)$(UNITDIR)/hv-kvp-daemon.service.d 2>/dev/null || true
	$(if $(DESTDIR),,[ ! -d /run/systemd/system ] || systemctl daemon-reload)

install-dkms:
	cd $(ROOT) && for file in $(DKMS_FILES); do \
		install -D -m 0644 $$file $(abspath $(DESTDIR)/)$(DKMS_DIR)/$$file; done
	$(SUBSTITUTE) dist/dkms.conf.in > $(DESTDIR)$(DKMS_DIR)/dkms.conf

uninstall-dkms:
	rm -rf $(DESTDIR)$(DKMS_DIR)

.PHONY: install activate uninstall install-dkms uninstall-dkms
