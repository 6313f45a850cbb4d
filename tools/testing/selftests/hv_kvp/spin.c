// SPDX-License-Identifier: GPL-2.0
/*
 * What is left of a CPU for a program that wants all of it.
 *
 *	hv_kvp_spin MILLISECONDS FILE..	prints "ready", computes for so long, and
 *					then prints the CPU's ticks in programs
 *					and all but the idle ones, the longest
 *					time without the CPU in microseconds, and
 *					by how much the number in each file rose
 *
 * Ticks of /proc/stat, not CPU time: the time of an interrupt would count as that
 * of the program under it. What the host takes away counts for nobody.
 */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#define FILES_MAX	8
#define STEPS		500	/* between two looks at the clock */

static uint64_t now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec * 1000000ULL + t.tv_nsec / 1000;
}

static uint64_t number_in(const char *path)
{
	FILE *file = fopen(path, "r");
	unsigned long long number;

	if (!file || fscanf(file, "%llu", &number) != 1) {
		printf("cannot read %s\n", path);
		exit(1);
	}
	fclose(file);
	return number;
}

struct ticks {
	unsigned long long programs, busy;
};

static struct ticks ticks(void)
{
	unsigned long long user, nice, system, irq, softirq;
	FILE *file = fopen("/proc/stat", "r");

	if (!file || fscanf(file, "cpu %llu %llu %llu %*u %*u %llu %llu", &user,
			    &nice, &system, &irq, &softirq) != 5) {
		printf("cannot read /proc/stat\n");
		exit(1);
	}
	fclose(file);
	return (struct ticks) { user + nice,
				user + nice + system + irq + softirq };
}

static void work(void)
{
	unsigned int step;

	for (step = 0; step < STEPS; step++)
		__asm__ __volatile__("" : : "r" (step));
}

int main(int argc, char **argv)
{
	uint64_t before[FILES_MAX], longest = 0, start, last, t;
	struct ticks first, end;
	int i, files = argc - 2;

	if (files < 0 || files > FILES_MAX) {
		printf("usage: hv_kvp_spin MILLISECONDS FILE..\n");
		return 2;
	}
	for (i = 0; i < files; i++)
		before[i] = number_in(argv[2 + i]);
	first = ticks();
	printf("ready\n");
	fflush(stdout);

	start = now();
	for (last = start; last - start < strtoull(argv[1], NULL, 10) * 1000; last = t) {
		work();
		t = now();
		if (t - last > longest)
			longest = t - last;
	}

	end = ticks();
	printf("%llu %llu %llu", end.programs - first.programs,
	       end.busy - first.busy, (unsigned long long)longest);
	for (i = 0; i < files; i++)
		printf(" %llu", (unsigned long long)(number_in(argv[2 + i]) -
						     before[i]));
	printf("\n");
	return 0;
}
