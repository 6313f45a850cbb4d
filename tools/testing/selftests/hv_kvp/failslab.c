// SPDX-License-Identifier: GPL-2.0
/*
 * Lets allocations fail for a while, whoever asks for the memory.
 *
 *	hv_kvp_failslab PERCENT SECONDS
 *
 * Says "failing" right before. Has all that it needs by then: what is started
 * later may not come up. Runs before all other processes, which a busy host
 * leaves little time for.
 */
#include <fcntl.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

#define PROBABILITY	"/sys/kernel/debug/failslab/probability"

int main(int argc, char **argv)
{
	struct sched_param priority = { .sched_priority = 1 };
	struct timespec left;
	int fd, tries = 0;

	if (argc != 3)
		return 2;
	left = (struct timespec) { .tv_sec = atoi(argv[2]) };
	fd = open(PROBABILITY, O_WRONLY);
	if (fd < 0 || mlockall(MCL_CURRENT | MCL_FUTURE) ||
	    sched_setscheduler(0, SCHED_FIFO, &priority))
		return 1;
	if (write(1, "failing\n", 8) != 8 ||
	    write(fd, argv[1], strlen(argv[1])) < 0)
		return 1;
	while (nanosleep(&left, &left))
		;
	/* the write may need memory itself */
	while (write(fd, "0", 1) != 1)
		if (++tries == 100000)
			return 1;
	return 0;
}
