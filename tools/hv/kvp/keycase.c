// SPDX-License-Identifier: GPL-2.0
#include <fcntl.h>
#include <locale.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <wctype.h>

#include "keycase.h"
#include "kvpctl.h"
#include "pool.h"
#include "text.h"

/* Without this locale only ASCII has case. */
static locale_t unicode(void)
{
	static locale_t locale;

	if (!locale)
		locale = newlocale(LC_CTYPE_MASK, "C.UTF-8", NULL);
	if (!locale)
		locale = newlocale(LC_CTYPE_MASK, "C", NULL);
	return locale;
}

/* Windows maps each UTF-16 unit to upper case; those of pairs have none. */
static uint32_t next_upper(const char **s)
{
	uint32_t code;

	if (!**s)
		return 0;
	*s += text_decode(*s, strlen(*s), &code);
	return code < 0x10000 && unicode() ? towupper_l(code, unicode()) : code;
}

int keycase_compare(const char *a, const char *b)
{
	for (;;) {
		uint32_t x = next_upper(&a), y = next_upper(&b);

		if (x != y)
			return x < y ? -1 : 1;
		if (!x)
			return 0;
	}
}

/**
 * struct keys - the keys that were set
 * @sorted: them, without case, each once
 * @count: of them
 * @pool: HV_KVP_POOL_*
 */
struct keys {
	const char **sorted;
	size_t count;
	unsigned int pool;
};

/* Those that differ by case alone are next to each other. */
static int compare_keys(const void *a, const void *b)
{
	const char *x = *(const char * const *)a, *y = *(const char * const *)b;
	int order = keycase_compare(x, y);

	return order ? order : strcmp(x, y);
}

static void gather(struct keys *keys, const struct operations *all)
{
	size_t count = 0;

	keys->sorted = need(all->count * sizeof(*keys->sorted));
	for (size_t i = 0; i < all->count; i++)
		if (all->ops[i].op == HV_KVP_OP_SET)
			keys->sorted[count++] = operation_key(&all->ops[i]);
	qsort(keys->sorted, count, sizeof(*keys->sorted), compare_keys);
	for (size_t i = 0; i < count; i++)
		if (!keys->count || strcmp(keys->sorted[i], keys->sorted[keys->count - 1]))
			keys->sorted[keys->count++] = keys->sorted[i];
}

/* The first one that is not before @key. */
static size_t find_first(const struct keys *keys, const char *key)
{
	size_t low = 0, high = keys->count;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (keycase_compare(keys->sorted[middle], key) < 0)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

/* Of two keys that were both set one is told, when the other one's item comes. */
static int look_at(void *ctx, const struct hv_kvp_item *item)
{
	const struct keys *keys = ctx;
	const char *key = item_key(item);
	bool was_set = bsearch(&key, keys->sorted, keys->count, sizeof(*keys->sorted),
			       compare_keys);

	for (size_t i = find_first(keys, key);
	     i < keys->count && !keycase_compare(keys->sorted[i], key); i++) {
		int order = strcmp(keys->sorted[i], key);

		if (order && (!was_set || order < 0))
			warn("'%s' and '%s' in pool %s: the host may take them for one key",
			     keys->sorted[i], key, pool_name(keys->pool));
	}
	return 0;
}

void keycase_warn(unsigned int pool, const struct operations *all)
{
	struct keys keys = { .pool = pool };
	struct hv_kvp_pool_info info;
	int code, fd = device_open(O_RDONLY, &code);

	if (fd < 0)
		return;
	gather(&keys, all);
	if (keys.count && !device_pool_info(fd, pool, &info) && info.items <= KEYCASE_ITEMS)
		device_try_list(fd, pool, look_at, &keys);
	free(keys.sorted);
	close(fd);
}
