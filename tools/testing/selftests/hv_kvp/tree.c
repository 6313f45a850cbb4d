// SPDX-License-Identifier: GPL-2.0
/*
 * Many items, and whether sysfs has a file for each.
 *
 *	hv_kvp_tree fill COUNT			sets COUNT items in pool GUEST
 *	hv_kvp_tree storm SECONDS COUNT SEED	sets and deletes these at random
 *	hv_kvp_tree clear			deletes all items in pool GUEST
 *	hv_kvp_tree compare POOL FOLDER		pool, by number, and its folder
 *
 * compare waits until the folder says that it is up to date, takes the pool's
 * items by one list, and compares names, values and numbers. It works out the
 * names by itself.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <time.h>
#include <unistd.h>

#include <linux/hv_kvp.h>

#define PTR(p)		((uint64_t)(uintptr_t)(p))
#define BATCH		64
#define NAME_SIZE	256
#define PATIENCE	60	/* seconds */

struct entry {
	char name[NAME_SIZE];
	size_t len;
	unsigned char *value;
	bool seen;
};

static int fd;
static char buffer[1 << 16] __attribute__((aligned(8)));

static void __attribute__((noreturn, format(printf, 1, 2)))
die(const char *fmt, ...)
{
	va_list args;

	va_start(args, fmt);
	vprintf(fmt, args);
	va_end(args);
	printf("\n");
	exit(1);
}

static double now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec + t.tv_nsec / 1e9;
}

/* Changes */

/* One of the keys: some need escaping. */
static void make_key(char *key, size_t size, unsigned int n)
{
	static const char * const forms[] = {
		"agent %05u", ".agent/%05u", "%%agent%%%05u", "\xc3\xa4gent\n%05u"
	};

	snprintf(key, size, forms[n % 4], n);
}

static struct hv_kvp_op ops[BATCH];
static char keys[BATCH][32], values[BATCH][32];

static void add_set(unsigned int at, unsigned int n, unsigned int value)
{
	make_key(keys[at], sizeof(keys[at]), n);
	snprintf(values[at], sizeof(values[at]), "value %u", value);
	ops[at] = (struct hv_kvp_op) {
		.key = PTR(keys[at]), .key_len = strlen(keys[at]),
		.value = PTR(values[at]), .value_len = strlen(values[at]),
		.op = HV_KVP_OP_SET, .type = HV_KVP_TYPE_SZ,
	};
}

static void send_batch(unsigned int count)
{
	struct hv_kvp_batch batch = {
		.ops = PTR(ops), .pool = HV_KVP_POOL_GUEST,
		.count = count, .op_size = sizeof(ops[0]),
	};

	if (ioctl(fd, HV_KVP_IOC_BATCH, &batch))
		die("batch: %s", strerror(errno));
}

static int fill(unsigned int count)
{
	for (unsigned int n = 0; n < count;) {
		unsigned int at = 0;

		while (at < BATCH && n < count)
			add_set(at++, n++, 0);
		send_batch(at);
	}
	printf("%u filled\n", count);
	return 0;
}

/* May be there, or not: a delete alone of a key that is not would fail. */
static void delete_one(unsigned int n)
{
	char key[32];
	struct hv_kvp_delete arg = { .pool = HV_KVP_POOL_GUEST };

	make_key(key, sizeof(key), n);
	arg.key = PTR(key);
	arg.key_len = strlen(key);
	if (ioctl(fd, HV_KVP_IOC_DELETE, &arg) && errno != ENOENT)
		die("delete: %s", strerror(errno));
}

static int storm(double seconds, unsigned int count, unsigned int seed)
{
	double end = now() + seconds;
	unsigned long changes = 0;

	srandom(seed);
	while (now() < end) {
		unsigned int sets = 1 + random() % BATCH;

		for (unsigned int at = 0; at < sets; at++)
			add_set(at, random() % count, random() % 1000);
		send_batch(sets);
		for (unsigned int i = 0; i < sets / 2; i++)
			delete_one(random() % count);
		changes += sets + sets / 2;
	}
	printf("%lu changes\n", changes);
	return 0;
}

/* Deletes what the buffer holds; nobody else changes the pool meanwhile. */
static void delete_listed(unsigned int size)
{
	unsigned int count = 0;

	for (unsigned int at = 0; at < size;) {
		struct hv_kvp_item *item = (void *)(buffer + at);

		ops[count++] = (struct hv_kvp_op) {
			.key = PTR(item) + item->key_offset, .key_len = item->key_len,
			.op = HV_KVP_OP_DELETE,
		};
		at += item->size;
		if (count == BATCH || at == size) {
			send_batch(count);
			count = 0;
		}
	}
}

static int clear(void)
{
	struct hv_kvp_list list;

	do {
		list = (struct hv_kvp_list) {
			.buffer = PTR(buffer), .size = sizeof(buffer),
			.pool = HV_KVP_POOL_GUEST,
		};
		if (ioctl(fd, HV_KVP_IOC_LIST, &list))
			die("list: %s", strerror(errno));
		delete_listed(list.size);
	} while (list.cursor);
	printf("cleared\n");
	return 0;
}

/* Comparison */

static unsigned long long number(const char *folder, const char *name)
{
	char path[NAME_SIZE + 64], text[32];
	ssize_t size;
	int file;

	snprintf(path, sizeof(path), "%s/%s", folder, name);
	file = open(path, O_RDONLY);
	size = file < 0 ? -1 : read(file, text, sizeof(text) - 1);
	if (size < 0)
		die("%s: %s", path, strerror(errno));
	close(file);
	text[size] = '\0';
	return strtoull(text, NULL, 10);
}

static bool up_to_date(const char *folder)
{
	double end = now() + PATIENCE;

	while (number(folder, "generation") !=
	       number(folder, "items_generation")) {
		if (now() > end)
			return false;
		usleep(20000);
	}
	return true;
}

/* Keys whose names would be cut are no part of this. */
static void make_name(char *name, const unsigned char *key, size_t len)
{
	char *end = name + NAME_SIZE;

	for (size_t i = 0; i < len; i++) {
		unsigned char c = key[i];
		bool plain = c >= ' ' && c != 0x7f && c != '/' && c != '%' &&
			     ((c != '.' && c != '-') || i);

		if (end - name < 4)
			die("a key is too long for this");
		name += sprintf(name, plain ? "%c" : "%%%02X", c);
	}
}

static void add_entry(struct entry *entry, const struct hv_kvp_item *item)
{
	const unsigned char *key = (const void *)item;
	const unsigned char *value = key + item->value_offset;
	unsigned long long wide = 0;
	char text[32];

	memset(entry, 0, sizeof(*entry));
	make_name(entry->name, key + item->key_offset, item->key_len);
	entry->len = item->value_len;
	if (item->type == HV_KVP_TYPE_DWORD || item->type == HV_KVP_TYPE_QWORD) {
		memcpy(&wide, value, item->value_len);
		entry->len = sprintf(text, "%llu", wide);
		value = (unsigned char *)text;
	}
	entry->value = malloc(entry->len + 1);
	if (!entry->value)
		die("no memory");
	memcpy(entry->value, value, entry->len);
}

static int by_name(const void *a, const void *b)
{
	return strcmp(((const struct entry *)a)->name,
		      ((const struct entry *)b)->name);
}

/* All items of one version, by name. */
static struct entry *list_pool(unsigned int pool, unsigned int *count,
			       unsigned long long *generation)
{
	struct hv_kvp_list list = { 0 };
	struct entry *entries = NULL;
	unsigned int n = 0;

	do {
		list.pool = pool;
		list.buffer = PTR(buffer);
		list.size = sizeof(buffer);
		if (ioctl(fd, HV_KVP_IOC_LIST, &list))
			die("list: %s", strerror(errno));
		if (!entries)
			entries = calloc(list.total + 1, sizeof(*entries));
		if (!entries)
			die("no memory");
		for (unsigned int at = 0; at < list.size;) {
			struct hv_kvp_item *item = (void *)(buffer + at);

			if (n == list.total)
				die("more items than said");
			add_entry(&entries[n++], item);
			at += item->size;
		}
	} while (list.cursor);
	if (n != list.total)
		die("%u items, %u said", n, list.total);
	qsort(entries, n, sizeof(*entries), by_name);
	*count = n;
	*generation = list.generation;
	return entries;
}

static void check_file(const char *folder, const char *name,
		       struct entry *entries, unsigned int count)
{
	static struct entry wanted;
	char path[2 * NAME_SIZE + 64];
	struct entry *entry;
	ssize_t size;
	int file;

	snprintf(wanted.name, sizeof(wanted.name), "%s", name);
	entry = bsearch(&wanted, entries, count, sizeof(*entries), by_name);
	if (!entry)
		die("a file but no item: %s", name);
	if (entry->seen)
		die("two files: %s", name);
	entry->seen = true;
	snprintf(path, sizeof(path), "%s/items/%s", folder, name);
	file = open(path, O_RDONLY);
	size = file < 0 ? -1 : read(file, buffer, sizeof(buffer));
	if (size < 0)
		die("%s: %s", path, strerror(errno));
	close(file);
	if ((size_t)size != entry->len || memcmp(buffer, entry->value, size))
		die("%s: another value", path);
}

static unsigned int check_files(const char *folder, struct entry *entries,
				unsigned int count)
{
	char path[NAME_SIZE + 64];
	unsigned int files = 0;
	struct dirent *d;
	DIR *dir;

	snprintf(path, sizeof(path), "%s/items", folder);
	dir = opendir(path);
	if (!dir)
		die("%s: %s", path, strerror(errno));
	while ((d = readdir(dir)))
		if (strcmp(d->d_name, ".") && strcmp(d->d_name, "..")) {
			check_file(folder, d->d_name, entries, count);
			files++;
		}
	closedir(dir);
	return files;
}

static int compare(unsigned int pool, const char *folder)
{
	unsigned long long generation, limit, left_out;
	unsigned int count, files, expected;
	struct entry *entries;

	if (!up_to_date(folder))
		die("items/ is not up to date after %u s", PATIENCE);
	entries = list_pool(pool, &count, &generation);
	files = check_files(folder, entries, count);
	limit = number(folder, "../limits/sysfs_items");
	left_out = number(folder, "items_left_out");
	if (number(folder, "items_generation") != generation ||
	    number(folder, "generation") != generation)
		die("the pool was changed meanwhile");
	expected = count < limit ? count : limit;
	if (files != expected || left_out != count - files)
		die("%u files and %llu left out of %u items, %llu allowed",
		    files, left_out, count, limit);
	printf("%u items, %u files, equal\n", count, files);
	return 0;
}

int main(int argc, char **argv)
{
	const char *what = argc > 1 ? argv[1] : "";

	fd = open("/dev/hv_kvp", O_RDWR);
	if (fd < 0)
		die("/dev/hv_kvp: %s", strerror(errno));
	if (!strcmp(what, "fill") && argc == 3)
		return fill(atoi(argv[2]));
	if (!strcmp(what, "storm") && argc == 5)
		return storm(atof(argv[2]), atoi(argv[3]), atoi(argv[4]));
	if (!strcmp(what, "clear") && argc == 2)
		return clear();
	if (!strcmp(what, "compare") && argc == 4)
		return compare(atoi(argv[2]), argv[3]);
	fprintf(stderr, "usage: %s fill COUNT|storm SECONDS COUNT SEED|clear|compare POOL FOLDER\n",
		argv[0]);
	return 2;
}
