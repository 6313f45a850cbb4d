// SPDX-License-Identifier: GPL-2.0
/*
 * Reads the host's items from /dev/vmbus/hv_kvp as libhvee does (Ignition and
 * podman machine in the guest): registers, then reads until a second has
 * nothing. A line for each message: operation, pool, key, value.
 *
 *	hv_kvp_reader		ends after a second of silence
 *	hv_kvp_reader hold	says "idle" then, and goes on until the device goes
 *	hv_kvp_reader stuck	registers, says "stuck", and reads nothing
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <linux/hyperv.h>

#define REGISTER1	100
#define SILENCE_MS	1000

static struct hv_kvp_msg msg;
static int fd;

static int failed(const char *what)
{
	printf("%s: %s\n", what, strerror(errno));
	return 1;
}

static bool send(void)
{
	return write(fd, &msg, sizeof(msg)) == sizeof(msg);
}

static void print(void)
{
	switch (msg.kvp_hdr.operation) {
	case KVP_OP_SET:
		/* the sizes count the NUL */
		printf("set %u %.*s %.*s\n", msg.kvp_hdr.pool,
		       (int)msg.body.kvp_set.data.key_size - 1,
		       msg.body.kvp_set.data.key,
		       (int)msg.body.kvp_set.data.value_size - 1,
		       msg.body.kvp_set.data.value);
		break;
	case KVP_OP_DELETE:
		printf("delete %u %s\n", msg.kvp_hdr.pool,
		       msg.body.kvp_delete.key);
		break;
	default:
		printf("operation %u\n", msg.kvp_hdr.operation);
	}
	fflush(stdout);
}

/* One message; -1 with errno. */
static int serve(void)
{
	if (read(fd, &msg, sizeof(msg)) != sizeof(msg))
		return -1;
	if (msg.kvp_hdr.operation == REGISTER1)
		return 0;
	print();
	msg.error = 0;
	return send() ? 0 : -1;
}

static int hold(void)
{
	struct pollfd p = { .fd = fd, .events = POLLIN };

	printf("idle\n");
	fflush(stdout);
	while (poll(&p, 1, -1) > 0) {
		if (p.revents & POLLHUP)
			printf("hang-up\n");
		if (serve())
			return failed("read");
	}
	return failed("poll");
}

int main(int argc, char **argv)
{
	struct pollfd p = { .events = POLLIN };
	const char *what = argc > 1 ? argv[1] : "";
	int ready;

	fd = open("/dev/vmbus/hv_kvp", O_RDWR | O_CLOEXEC | O_NONBLOCK);
	if (fd < 0)
		return failed("open");
	msg.kvp_hdr.operation = REGISTER1;
	if (!send())
		return failed("register");
	if (!strcmp(what, "stuck")) {
		printf("stuck\n");
		fflush(stdout);
		return pause();
	}
	p.fd = fd;
	while ((ready = poll(&p, 1, SILENCE_MS)) > 0)
		if (serve() && errno != EAGAIN)
			return failed("read");
	if (ready < 0)
		return failed("poll");
	return strcmp(what, "hold") ? 0 : hold();
}
