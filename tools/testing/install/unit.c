// SPDX-License-Identifier: GPL-2.0
/* Tests of what in kvpctl needs no device: escapes, lines, files, JSON. */
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "cim.h"
#include "crc32.h"
#include "fault.h"
#include "item.h"
#include "json.h"
#include "keycase.h"
#include "kvpctl.h"
#include "lines.h"
#include "poolfile.h"
#include "savefile.h"
#include "text.h"

const struct command *current_command;
bool want_json;

static unsigned int passed, failed;

static void check(bool good, const char *name, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));

static void check(bool good, const char *name, const char *fmt, ...)
{
	va_list args;

	if (!good) {
		printf("# ");
		va_start(args, fmt);
		vprintf(fmt, args);
		va_end(args);
		printf("\n");
	}
	passed += good;
	failed += !good;
	printf("%s %u - kvpctl: %s\n", good ? "ok" : "not ok", passed + failed,
	       name);
}

/* What @put writes, in memory that lives until the next call. */
static char *written(void (*put)(FILE *out, const char *s, size_t len),
		     const char *s, size_t len)
{
	static char *text;
	size_t size;
	FILE *out;

	free(text);
	text = NULL;
	out = open_memstream(&text, &size);
	put(out, s, len);
	fclose(out);
	return text;
}

struct text_case {
	const char *s;
	const char *wanted;
};

static void check_table(void (*put)(FILE *out, const char *s, size_t len),
			const char *what, const struct text_case *cases,
			size_t count)
{
	for (size_t i = 0; i < count; i++) {
		const char *got = written(put, cases[i].s, strlen(cases[i].s));

		check(!strcmp(got, cases[i].wanted), what,
		      "got '%s', wanted '%s'", got, cases[i].wanted);
	}
}

static const struct text_case escapes[] = {
	{ "plain \xe2\x82\xac", "plain \xe2\x82\xac" },
	{ "\\\t\n\r", "\\\\\\t\\n\\r" },
	{ "\x01\x1b\x7f", "\\x01\\x1B\\x7F" },
	{ "\xc2\x9b", "\\xC2\\x9B" },			/* CSI */
	{ "\xed\xa0\x80x", "\\xED\\xA0\\x80x" },	/* surrogate */
	{ "\xf0\x9f\x94\x92", "\xf0\x9f\x94\x92" },
	{ "\xff\xc0\x80\xe2\x82", "\\xFF\\xC0\\x80\\xE2\\x82" },
	{ "\xf4\x90\x80\x80", "\\xF4\\x90\\x80\\x80" },	/* above 10FFFF */
	{ "\xe2\x80\xae\xe2\x81\xa6", "\\xE2\\x80\\xAE\\xE2\\x81\\xA6" },	/* RLO, LRI */
	{ "a\xe2\x80\x8b\xef\xbb\xbf", "a\\xE2\\x80\\x8B\\xEF\\xBB\\xBF" },
	{ "\xf3\xa0\x81\x81", "\\xF3\\xA0\\x81\\x81" },	/* a tag */
	{ "\xe2\x80\xa8\xc2\xad", "\\xE2\\x80\\xA8\\xC2\\xAD" },
	{ "\xd7\x90\xef\xbf\xbe", "\xd7\x90\xef\xbf\xbe" },	/* Hebrew is text */
};

static const struct text_case visibles[] = {
	{ "'\xe2\x80\xae\x1b[2J' \\n\n", "'\\xE2\\x80\\xAE\\x1B[2J' \\n\\n" },
};

static void put_json(FILE *out, const char *s, size_t len)
{
	struct json j = { .out = out };

	json_text(&j, NULL, s, len);
}

static const struct text_case jsons[] = {
	{ "a\"\\/", "\"a\\\"\\\\/\"" },
	{ "\b\f\n\r\t\x01\x7f", "\"\\b\\f\\n\\r\\t\\u0001\\u007F\"" },
	{ "\xed\xa0\x80", "\"\\uFFFD\"" },
	{ "\xe2\x80\xae\xf3\xa0\x81\x81", "\"\\u202E\\uDB40\\uDC41\"" },
	{ "\xff", "\"\\uFFFD\"" },
	{ "\xc2\x85\xe2\x82\xac", "\"\\u0085\xe2\x82\xac\"" },
};

static const struct text_case xmls[] = {
	{ "<&>\"'", "&lt;&amp;&gt;\"'" },
	{ "\t\n\r", "\t\n&#13;" },
	{ "\x01\xed\xbf\xbf\xef\xbf\xbe", "\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd" },
	{ "\xef\xbf\xbd\xf0\x9f\x94\x92", "\xef\xbf\xbd\xf0\x9f\x94\x92" },
};

/* An item as a list gives it, of a kernel that has a member more. */
static void put_item(FILE *out, unsigned int type, const char *key, const char *value,
		     size_t value_len)
{
	struct {
		struct hv_kvp_item item;
		char new_member[8];
		char key[32];
		char value[64];
	} it = {
		.item = {
			.type = type, .flags = HV_KVP_ITEM_EPHEMERAL,
			.key_offset = offsetof(typeof(it), key), .key_len = strlen(key),
			.value_offset = offsetof(typeof(it), value), .value_len = value_len,
		},
	};
	struct json j = { .out = out };

	strcpy(it.key, key);
	memcpy(it.value, value, value_len);
	json_open(&j, NULL, '{');
	item_json(&j, HV_KVP_POOL_GUEST, &it.item);
	json_close(&j);
}

/* What other programs must be able to read: one object a line. */
static void put_items(FILE *out)
{
	static const uint64_t large = 9007199254740993;		/* 2^53 + 1 */
	static const uint32_t dword = UINT32_MAX;

	put_item(out, HV_KVP_TYPE_QWORD, "qword", (const char *)&large, sizeof(large));
	put_item(out, HV_KVP_TYPE_DWORD, "dword", (const char *)&dword, sizeof(dword));
	put_item(out, HV_KVP_TYPE_SZ, "\xed\xa0\x80", "a\xed\xb0\x80", 4);
	put_item(out, HV_KVP_TYPE_SZ, "plain", "\xe2\x80\xae\xf0\x9f\x94\x92", 7);
}

static void test_base64(void)
{
	static const char * const wanted[] = {
		"\"\"", "\"/w==\"", "\"//8=\"", "\"////\"", "\"/////w==\""
	};

	for (size_t n = 0; n < ARRAY_SIZE(wanted); n++) {
		struct json j = { 0 };
		char *text;
		size_t size;

		j.out = open_memstream(&text, &size);
		json_base64(&j, NULL, "\xff\xff\xff\xff", n);
		fclose(j.out);
		check(!strcmp(text, wanted[n]), "base64", "%zu bytes: %s", n, text);
		free(text);
	}
}

static int fault(unsigned int type, const char *key, const char *value, size_t len)
{
	const struct hv_kvp_op op = {
		.key = PTR(key), .key_len = strlen(key), .value = PTR(value),
		.value_len = len, .type = type,
	};

	return fault_of(&op);
}

/* As the kernel judges; each has words with the limit or the remedy. */
static void test_faults(void)
{
	static const int errors[] = {
		ENOENT, EINVAL, ENAMETOOLONG, EMSGSIZE, EILSEQ, ENOSPC, EPERM, EOPNOTSUPP,
		EEXIST, ESTALE,
	};
	char text[4 * 1024 + 1];

	memset(text, 'x', sizeof(text));
	text[256] = '\0';
	check(fault(HV_KVP_TYPE_SZ, text, "v", 1) == -ENAMETOOLONG &&
	      !fault(HV_KVP_TYPE_SZ, text + 1, "v", 1), "the longest key", "another");
	text[256] = 'x';
	check(fault(HV_KVP_TYPE_SZ, "k", text, 1024) == -EMSGSIZE &&
	      !fault(HV_KVP_TYPE_SZ, "k", text, 1023), "the longest value", "another");
	for (size_t i = 0; i < 512; i++)
		memcpy(text + 4 * i, "\xf0\x9f\x94\x92", 4);
	check(fault(HV_KVP_TYPE_SZ, "k", text, 2048) == -EMSGSIZE &&
	      !fault(HV_KVP_TYPE_SZ, "k", text, 2044), "pairs count twice", "once");
	check(fault(HV_KVP_TYPE_SZ, "", "v", 1) == -EINVAL &&
	      fault(HV_KVP_TYPE_SZ, "k", "a\0b", 3) == -EINVAL &&
	      fault(HV_KVP_TYPE_SZ, "k", "\xed\xa0\x80", 3) == -EILSEQ &&
	      fault(HV_KVP_TYPE_SZ, "\xff", "v", 1) == -EILSEQ &&
	      !fault(HV_KVP_TYPE_DWORD, "k", "\xff\0\0\0", 4), "malformed items", "taken");
	for (size_t i = 0; i < ARRAY_SIZE(errors); i++)
		check(fault_words(errors[i]) &&
		      strcmp(fault_words(errors[i]), strerror(errors[i])),
		      "an error in words", "%s", strerror(errors[i]));
}

/* Every string of two bytes survives there and back. */
static void test_unescape(void)
{
	static const char * const wrong[] = {
		"\\", "\\q", "\\x", "\\x4", "\\xg0", "\\x0g", "a\\"
	};
	unsigned int bad = 0;
	char copy[64];

	for (unsigned int n = 0; n < 0x10000; n++) {
		const char two[2] = { n >> 8, n };
		long len;

		strcpy(copy, written(text_put_escaped, two, 2));
		len = text_unescape(copy, strlen(copy));
		bad += len != 2 || memcmp(copy, two, 2);
	}
	check(!bad, "escapes there and back", "%u of 65536 differ", bad);
	for (size_t i = 0; i < ARRAY_SIZE(wrong); i++) {
		strcpy(copy, wrong[i]);
		check(text_unescape(copy, strlen(copy)) == -1, "wrong escape",
		      "'%s' is taken", wrong[i]);
	}
}

static const char *take(struct operations *all, const char *line)
{
	char copy[256];

	snprintf(copy, sizeof(copy), "%s", line);
	return line_take(all, copy, strlen(copy));
}

static void test_lines(void)
{
	static const char * const right[] = {
		"", "#", "# set", "set\tSZ\tk\tv", "set\tdword\tk\t4294967295",
		"set\tQWORD\tk\t0xffffffffffffffff", "delete\tk",
		"set\tEXPAND_SZ\tk\t"
	};
	static const char * const wrong[] = {
		"set", "set\tSZ", "set\tSZ\tk", "set\tSZ\tk\tv\tx", "delete",
		"delete\tk\tx", "get\tk", " set\tSZ\tk\tv", "set\t\tk\tv",
		"set\tDWORD\tk\t4294967296", "set\tDWORD\tk\t",
		"set\tDWORD\tk\t1 ", "set\tDWORD\tk\t0x", "set\tDWORD\tk\t+1",
		"set\tQWORD\tk\t18446744073709551616", "delete\t\\",
		"set,\tSZ\tk\tv", "set,if-absen\tSZ\tk\tv", "set,if-generation\tSZ\tk\tv",
		"set,if-generation=\tSZ\tk\tv", "set,if-generation=-1\tSZ\tk\tv",
		"set,if-generation=1x\tSZ\tk\tv", "delete,if-absent\tk",
		"set,if-generation=18446744073709551616\tSZ\tk\tv", "get,or-skip\tk",
	};
	struct operations all = { 0 };

	for (size_t i = 0; i < ARRAY_SIZE(right); i++)
		check(!take(&all, right[i]), "a line", "'%s' is refused",
		      right[i]);
	check(all.count == 5, "lines that say something", "%zu", all.count);
	for (size_t i = 0; i < ARRAY_SIZE(wrong); i++)
		check(take(&all, wrong[i]), "a wrong line", "'%s' is taken",
		      wrong[i]);
	check(all.count == 5, "wrong lines add nothing", "%zu", all.count);
	operations_free(&all);
}

/* Conditions are those of the operation of their line alone. */
static void test_conditions(void)
{
	static const struct {
		const char *line;
		unsigned int flags;
		uint64_t generation;
	} cases[] = {
		{ "set,if-absent\tSZ\tk\tv", HV_KVP_IF_ABSENT, 0 },
		{ "set\tSZ\tk\tv", 0, 0 },
		{ "set,unless-host,or-skip\tSZ\tk\tv", HV_KVP_UNLESS_HOST | HV_KVP_OR_SKIP, 0 },
		{ "set,if-generation=18446744073709551615\tSZ\tk\tv", HV_KVP_IF_GENERATION,
		  UINT64_MAX },
		{ "delete,or-skip\tk", HV_KVP_OR_SKIP, 0 },
		{ "delete,if-generation=7,unless-host\tk",
		  HV_KVP_IF_GENERATION | HV_KVP_UNLESS_HOST, 7 },
		{ "delete\tk", 0, 0 },
	};
	struct operations all = { 0 };

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		const char *wrong = take(&all, cases[i].line);
		const struct hv_kvp_op *op = &all.ops[i];

		if (wrong) {
			check(false, "a line with conditions", "%s: %s", cases[i].line, wrong);
			break;
		}
		check(op->flags == cases[i].flags && op->if_generation == cases[i].generation &&
		      op->key_len == 1, "a line with conditions", "%s: %#x", cases[i].line,
		      op->flags);
	}
	operations_free(&all);
}

/* As Windows compares them, and in an order that can be searched. */
static void test_keycase(void)
{
	static const char * const same[][2] = {
		{ "Key", "kEY" }, { "", "" }, { "\xc3\xa4", "\xc3\x84" },
		{ "\xd0\xb6", "\xd0\x96" }, { "k\xed\xa0\x80", "K\xed\xa0\x80" },
	};
	static const char * const ascending[] = {
		"", "A", "ab", "B", "_", "\xc3\x84", "\xf0\x90\x90\x80", "\xf0\x90\x90\xa8",
	};
	unsigned int bad = 0;

	for (size_t i = 0; i < ARRAY_SIZE(same); i++)
		check(!keycase_compare(same[i][0], same[i][1]), "keys without case",
		      "%s and %s differ", same[i][0], same[i][1]);
	for (size_t i = 0; i < ARRAY_SIZE(ascending); i++)
		for (size_t k = 0; k < ARRAY_SIZE(ascending); k++) {
			int order = keycase_compare(ascending[i], ascending[k]);

			bad += i < k ? order >= 0 : i > k ? order <= 0 : order;
		}
	check(!bad, "order of keys without case", "%u", bad);
}

/* Who set an item, in words. */
static void test_owners(void)
{
	check(!strcmp(item_owner(HV_KVP_POOL_EXTERNAL, HV_KVP_ITEM_HOST | HV_KVP_ITEM_STALE),
		      "host") &&
	      !strcmp(item_owner(HV_KVP_POOL_GUEST, HV_KVP_ITEM_HOST), "host") &&
	      !strcmp(item_owner(HV_KVP_POOL_GUEST, HV_KVP_ITEM_EPHEMERAL), "agent") &&
	      !strcmp(item_owner(HV_KVP_POOL_GUEST, HV_KVP_ITEM_MIRROR), "mirror") &&
	      !strcmp(item_owner(HV_KVP_POOL_AUTO, HV_KVP_ITEM_OVERRIDE), "agent") &&
	      !strcmp(item_owner(HV_KVP_POOL_AUTO, 0), "kernel"), "owners", "another");
}

static int put_two(void *ctx, FILE *out)
{
	static const char two[] = "hv_kvp-items\t1\n"
		"set\tSZ\ta\\t\t\\xE2\\x82\\xAC\nset\tDWORD\td\t7\n";

	(void)ctx;
	fputs(two, out);
	savefile_end(out, two, strlen(two), 2);
	return 0;
}

static int put_nothing(void *ctx, FILE *out)
{
	(void)ctx;
	fputs("half", out);
	return EXIT_ERROR;
}

static size_t read_file(const char *path, char *buffer, size_t size)
{
	FILE *file = fopen(path, "r");
	size_t len = file ? fread(buffer, 1, size, file) : 0;

	if (file)
		fclose(file);
	return len;
}

static void write_file(const char *path, const char *data, size_t len)
{
	FILE *file = fopen(path, "w");

	if (!file || fwrite(data, 1, len, file) != len)
		abort();
	fclose(file);
}

/* A file that is cut or changed at any place is refused. */
static void test_damage(const char *path)
{
	char whole[256], bad[256];
	bool foreign;
	size_t left;
	size_t len = read_file(path, whole, sizeof(whole));
	unsigned int taken = 0;

	for (size_t n = 0; n < len; n++) {
		struct operations all = { 0 };

		write_file("damaged", whole, n);
		taken += !savefile_read("damaged", &all, &foreign, &left);
		operations_free(&all);
	}
	check(len && !taken, "a file cut at any byte", "%u of %zu taken",
	      taken, len);
	taken = 0;
	for (size_t n = 0; n < 8 * len; n++) {
		struct operations all = { 0 };

		memcpy(bad, whole, len);
		bad[n / 8] ^= 1 << n % 8;
		write_file("damaged", bad, len);
		taken += !savefile_read("damaged", &all, &foreign, &left);
		operations_free(&all);
	}
	check(!taken, "a file with any bit changed", "%u taken", taken);
}

/* A file of two lines that is whole: the first ends @head, the other sets an item. */
static int read_saved(const char *head, const char *item, bool *foreign, size_t *left)
{
	struct operations all = { 0 };
	FILE *out = fopen("saved2", "w");
	char text[4096];
	int code;

	snprintf(text, sizeof(text), "hv_kvp-items\t%s\n%s\n", head, item);
	fputs(text, out);
	savefile_end(out, text, strlen(text), 1);
	fclose(out);
	code = savefile_read("saved2", &all, foreign, left);
	operations_free(&all);
	return code;
}

/* What the kernel would refuse is refused when the file is read, as --check does. */
static void test_judged(void)
{
	char line[1200] = "set\tSZ\tk\t";
	bool foreign;
	size_t left;

	memset(line + 9, 'v', 1023);
	check(!read_saved("1", line, &foreign, &left) && !left, "a long value", "refused");
	line[9 + 1023] = 'v';
	check(read_saved("1", line, &foreign, &left) == EXIT_INVALID,
	      "a value that is too long", "taken");
	check(read_saved("1", "set\tSZ\t\tv", &foreign, &left) == EXIT_INVALID,
	      "an empty key", "taken");
	check(!read_saved("1", "set\tSZ\tk\t\\xED\\xA0\\x80", &foreign, &left) && left == 1,
	      "a surrogate of the host's", "%zu left out", left);
}

static void test_machine(void)
{
	static const char ours[] = "00112233445566778899aabbccddeeff\n";
	struct operations all = { 0 };
	char begun[128];
	bool foreign;
	size_t left;
	FILE *out;

	savefile_machine = "machine-id";
	write_file("machine-id", ours, strlen(ours));
	out = fopen("begun", "w");
	savefile_begin(out);
	fclose(out);
	check(read_file("begun", begun, sizeof(begun)) == 15 + 8 + 33,
	      "a file says of which machine it is", "it does not");
	check(!read_saved("2\nmachine\t00112233445566778899aabbccddeeff", "set\tSZ\tk\tv",
			  &foreign, &left) && !foreign, "a file of this machine", "foreign");
	check(!read_saved("2\nmachine\t00112233445566778899aabbccddee00", "set\tSZ\tk\tv",
			  &foreign, &left) && foreign, "a file of the template", "taken");
	check(!read_saved("2", "set\tSZ\tk\tv", &foreign, &left) && !foreign,
	      "a file of no machine", "foreign");
	write_file("machine-id", "uninitialized\n", 14);
	check(!read_saved("2\nmachine\t00112233445566778899aabbccddee00", "set\tSZ\tk\tv",
			  &foreign, &left) && !foreign, "a machine without an id", "foreign");
	operations_free(&all);
}

static void test_savefile(void)
{
	struct operations all = { 0 };
	struct stat st;
	bool foreign;
	size_t left;

	check(crc32("123456789", 9) == 0xcbf43926, "CRC-32", "%08x",
	      crc32("123456789", 9));
	check(!savefile_write("saved", put_two, NULL), "save", "failed");
	check(!stat("saved", &st) && (st.st_mode & 07777) == 0600,
	      "mode of a saved file", "%o", st.st_mode);
	check(savefile_write("saved", put_nothing, NULL) == EXIT_ERROR &&
	      access("saved.new", F_OK), "a save that fails", "left-overs");
	check(!savefile_read("saved", &all, &foreign, &left) && all.count == 2 &&
	      !strcmp(operation_key(&all.ops[0]), "a\t") &&
	      all.ops[0].value_len == 3 && all.ops[1].value_len == 4,
	      "read what was saved", "%zu items", all.count);
	operations_free(&all);
	test_damage("saved");

	check(!symlink("elsewhere", "linked.new") &&
	      savefile_write("linked", put_two, NULL) &&
	      access("elsewhere", F_OK), "a link in the way", "followed");
	check(savefile_write("no/such/folder", put_two, NULL) ==
	      EXIT_NOT_FOUND, "a folder that is not there", "another code");
	check(!mkfifo("fifo", 0600) &&
	      savefile_read("fifo", &all, &foreign, &left) == EXIT_INVALID,
	      "a fifo in place of a file", "another code");
}

static void put_record(FILE *out, const char *key, const char *value)
{
	char record[POOLFILE_RECORD] = { 0 };

	memcpy(record, key, strlen(key));
	strcpy(record + strlen(key) + 1, "old");
	strcpy(record + POOLFILE_KEY, value);
	strcpy(record + POOLFILE_KEY + strlen(value) + 1, "secret");
	fwrite(record, 1, sizeof(record), out);
}

/* The daemon's lock is waited for. */
static void test_lock(void)
{
	struct flock lock = { .l_type = F_WRLCK, .l_whence = SEEK_SET };
	struct poolfile_faults bad = { 0 };
	struct operations all = { 0 };
	int fds[2], status;
	char byte;
	pid_t pid;

	if (pipe(fds))
		abort();
	pid = fork();
	if (!pid) {
		int fd = open("pool", O_RDWR);
		FILE *file = fdopen(fd, "a");

		if (fcntl(fd, F_SETLK, &lock) || write(fds[1], "x", 1) != 1)
			_exit(1);
		usleep(300000);
		put_record(file, "late", "v");
		fflush(file);
		_exit(0);
	}
	if (read(fds[0], &byte, 1) != 1)
		abort();
	check(!poolfile_read("pool", &all, &bad) && all.count == 3,
	      "a pool file that is being written", "%zu items", all.count);
	waitpid(pid, &status, 0);
	operations_free(&all);
	close(fds[0]);
	close(fds[1]);
}

/* Values that only the file has room for. */
static void test_cut(void)
{
	struct poolfile_faults faults = { 0 };
	struct operations all = { 0 };
	char record[POOLFILE_RECORD] = "k";
	FILE *out = fopen("cut", "w");

	memset(record + POOLFILE_KEY, 'x', 1024);
	fwrite(record, 1, sizeof(record), out);
	/* a pair is not torn apart */
	memcpy(record + POOLFILE_KEY + 1022, "\xf0\x9f\x94\x92", 4);
	record[0] = 'l';
	fwrite(record, 1, sizeof(record), out);
	/* the field is full, and ends in a character */
	for (size_t i = 0; i < 682; i++)
		memcpy(record + POOLFILE_KEY + 3 * i, "\xe2\x82\xac", 3);
	memcpy(record + POOLFILE_KEY + 2046, "\xe2\x82", 2);
	record[0] = 'm';
	fwrite(record, 1, sizeof(record), out);
	fclose(out);
	check(!poolfile_read("cut", &all, &faults) && all.count == 3 && faults.cut == 3 &&
	      all.ops[0].value_len == 1023 && all.ops[1].value_len == 1022 &&
	      all.ops[2].value_len == 2046, "values are cut at a character", "%zu, %zu",
	      all.count, faults.cut);
	for (size_t i = 0; i < all.count; i++)
		check(!fault_of(&all.ops[i]), "what was cut fits", "it does not");
	operations_free(&all);
}

static void test_poolfile(void)
{
	struct poolfile_faults bad = { 0 };
	struct operations all = { 0 };
	FILE *out = fopen("pool", "w");

	put_record(out, "b", "1");
	put_record(out, "", "no key");
	put_record(out, "a", "2");
	put_record(out, "b", "twice");
	fclose(out);
	check(!poolfile_read("pool", &all, &bad) && all.count == 2 &&
	      bad.bad == 1 && !strcmp(operation_key(&all.ops[0]), "a") &&
	      all.ops[0].key_len == 1 && all.ops[0].value_len == 1 &&
	      !strcmp(operation_key(&all.ops[1]), "b") && all.ops[1].value_len == 5,
	      "a pool file: the last of a key", "%zu items, %zu bad", all.count, bad.bad);
	operations_free(&all);
	test_lock();
	if (truncate("pool", 2 * POOLFILE_RECORD + 1))
		abort();
	bad.bad = 0;
	check(!poolfile_read("pool", &all, &bad) && all.count == 1 && bad.bad == 2,
	      "a torn pool file", "%zu items, %zu bad", all.count, bad.bad);
	operations_free(&all);
	test_cut();
	check(!symlink("pool", "link") && poolfile_read("link", &all, &bad) == EXIT_INVALID,
	      "a link in place of a pool file", "followed");
	check(!chown("pool", 1234, -1) && poolfile_read("pool", &all, &bad) == EXIT_PERMISSION,
	      "a pool file of somebody's", "taken");
	check(poolfile_read("no pool", &all, &bad) == EXIT_NOT_FOUND,
	      "no pool file", "another code");
	check(poolfile_read("fifo", &all, &bad) == EXIT_INVALID,
	      "a fifo in place of a pool file", "another code");
}

/* Runs in an empty folder; with an argument it prints items as JSON. */
int main(int argc, char **argv)
{
	(void)argv;
	if (argc > 1) {
		put_items(stdout);
		return 0;
	}
	printf("KTAP version 1\n");
	check_table(text_put_escaped, "escape", escapes, ARRAY_SIZE(escapes));
	check_table(put_json, "JSON text", jsons, ARRAY_SIZE(jsons));
	check_table(cim_put_xml_text, "XML text", xmls, ARRAY_SIZE(xmls));
	check_table(text_put_visible, "message", visibles, ARRAY_SIZE(visibles));
	test_unescape();
	test_base64();
	test_faults();
	test_lines();
	test_conditions();
	test_keycase();
	test_owners();
	test_savefile();
	test_judged();
	test_machine();
	test_poolfile();
	printf("1..%u\n%u passed, %u failed\n", passed + failed, passed,
	       failed);
	return failed || !passed;
}
