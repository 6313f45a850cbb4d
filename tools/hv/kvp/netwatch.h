/* SPDX-License-Identifier: GPL-2.0 */
/* Wakes up when the network's state may have changed; nothing is polled. */
#ifndef KVPCTL_NETWATCH_H
#define KVPCTL_NETWATCH_H

/**
 * struct netwatch - what is watched
 * @link: netlink socket for interfaces, addresses and routes
 * @files: inotify descriptor for state files
 * @hostname: /proc/sys/kernel/hostname, which says POLLPRI when it changes; or -1
 */
struct netwatch {
	int link;
	int files;
	int hostname;
};

/* 0, or a negative error. Directories that are missing are watched for. */
int netwatch_open(struct netwatch *watch, const char *root);

/* Takes what is to be read from @link and @files, and watches new directories. */
void netwatch_drain(struct netwatch *watch, const char *root);

/* Takes the new host name's event. */
void netwatch_drain_hostname(struct netwatch *watch);

void netwatch_close(struct netwatch *watch);

#endif /* KVPCTL_NETWATCH_H */
