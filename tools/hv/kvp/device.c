// SPDX-License-Identifier: GPL-2.0
/* Opens the device, and makes the calls that more than one subcommand needs. */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "device.h"
#include "kvpctl.h"
#include "pool.h"

#define DEVICE		"/dev/hv_kvp"
#define LIST_BUFFER	65536
/* An old version is dropped for others' lists, at most this often. */
#define LIST_TRIES	100

int device_open(int flags, int *code)
{
	int fd = open(DEVICE, flags | O_CLOEXEC);

	if (fd >= 0)
		return fd;
	switch (errno) {
	case EACCES:
	case EPERM:
		*code = fail(EXIT_PERMISSION,
			     "no permission for %s: be root or in its group",
			     DEVICE);
		break;
	case ENOENT:
	case ENODEV:
	case ENXIO:
	case EAGAIN:
		*code = fail(EXIT_NO_DEVICE,
			     "no %s: the module hv_kvp is not loaded", DEVICE);
		break;
	default:
		*code = fail_errno("%s", DEVICE);
	}
	return -1;
}

int device_info(int fd, struct hv_kvp_info *info)
{
	if (ioctl(fd, HV_KVP_IOC_INFO, info))
		return fail_errno("cannot read the state");
	return 0;
}

int device_pool_info(int fd, unsigned int pool, struct hv_kvp_pool_info *info)
{
	*info = (struct hv_kvp_pool_info) { .pool = pool };
	if (ioctl(fd, HV_KVP_IOC_POOL_INFO, info))
		return fail_errno("cannot read the state of pool %s", pool_name(pool));
	return 0;
}

/* Any item fits into LIST_BUFFER, so ERANGE is impossible. */
static int next_items(int fd, struct hv_kvp_list *list, void *buffer)
{
	list->buffer = PTR(buffer);
	list->size = LIST_BUFFER;
	return ioctl(fd, HV_KVP_IOC_LIST, list);
}

static int each_item(const struct hv_kvp_list *list, const char *buffer,
		     device_item_fn fn, void *ctx)
{
	for (uint32_t at = 0; at < list->size;) {
		const struct hv_kvp_item *item = (const void *)(buffer + at);
		int ret = fn(ctx, item);

		if (ret)
			return ret;
		at += item->size;
	}
	return 0;
}

/* One try; -1 without a word if the kernel dropped the version. */
static int list_once(int fd, unsigned int pool, void *buffer,
		     device_item_fn fn, void *ctx, uint64_t *generation)
{
	struct hv_kvp_list list = { .pool = pool };
	int ret;

	do {
		if (next_items(fd, &list, buffer)) {
			if (errno == ESTALE)
				return -1;
			return fail_errno("cannot list pool %s",
					  pool_name(pool));
		}
		ret = each_item(&list, buffer, fn, ctx);
		if (ret)
			return ret;
	} while (list.cursor);
	if (generation)
		*generation = list.generation;
	return 0;
}

void device_try_list(int fd, unsigned int pool, device_item_fn fn, void *ctx)
{
	void *buffer = need(LIST_BUFFER);

	list_once(fd, pool, buffer, fn, ctx, NULL);
	free(buffer);
}

int device_list(int fd, unsigned int pool, device_item_fn fn,
		void (*restart)(void *ctx), void *ctx, uint64_t *generation)
{
	void *buffer = need(LIST_BUFFER);
	int ret = -1;

	for (int i = 0; ret < 0 && i < LIST_TRIES; i++) {
		if (i && restart)
			restart(ctx);
		ret = list_once(fd, pool, buffer, fn, ctx, generation);
	}
	free(buffer);
	if (ret < 0)
		ret = fail(EXIT_CONFLICT, "pool %s: too many lists at a time",
			   pool_name(pool));
	return ret;
}
