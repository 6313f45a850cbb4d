// SPDX-License-Identifier: GPL-2.0
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "agent_lock.h"
#include "deadline.h"

#define LOCK_FILE	"/run/hv_kvp-agent.lock"

/* How often a lock that another has is tried for, ms. */
#define LOCK_PERIOD	100

/* Who can open it can hold it: it is ours alone, or not used. */
static int open_file(void)
{
	int fd = open(LOCK_FILE, O_RDWR | O_CREAT | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY | O_CLOEXEC,
		      0600);
	struct stat st;

	if (fd < 0)
		return -errno;
	if (!fstat(fd, &st) && S_ISREG(st.st_mode) && st.st_uid == geteuid() &&
	    !(st.st_mode & 077))
		return fd;
	close(fd);
	return -EPERM;
}

/* Another root need not have a /run, and gets no file that it would not have. */
static int open_root(const char *root)
{
	int fd = open(root, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	return fd < 0 ? -errno : fd;
}

int agent_lock(const char *root, int64_t deadline, int wake)
{
	struct pollfd end = { .fd = wake, .events = POLLIN };
	int fd = *root ? open_root(root) : open_file();
	int error = 0;

	if (fd < 0)
		return fd;
	while (!error && flock(fd, LOCK_EX | LOCK_NB)) {
		if (errno != EWOULDBLOCK && errno != EINTR)
			error = -errno;
		else if (!deadline_left(deadline))
			error = -EBUSY;
		else if (poll(&end, 1, LOCK_PERIOD) > 0)
			error = -EINTR;
	}
	if (!error)
		return fd;
	close(fd);
	return error;
}
