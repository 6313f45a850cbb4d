#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# dracut: hv_kvp serves the host from early boot on, beside hv_utils.

check() {
	# an image for this machine alone needs it on Hyper-V alone
	if [[ ${hostonly-} ]] && command -v systemd-detect-virt >/dev/null; then
		[[ $(systemd-detect-virt --vm) == microsoft ]] || return 255
	fi
	return 0
}

depends() {
	return 0
}

installkernel() {
	# no matter what is loaded now
	hostonly='' instmods hv_kvp hv_utils
}

install() {
	# the order in which udev loads them
	inst_multiple -o /etc/modprobe.d/hv_kvp.conf @MODPROBEDIR@/hv_kvp.conf
}
