// SPDX-License-Identifier: GPL-2.0
/* Freestanding C library. */
#include "lib.h"
#include "x86.h"

void *memcpy(void *dst, const void *src, size_t n)
{
	void *ret = dst;
	size_t words = n >> 3;

	/* TCG runs one iteration of a rep at a time: eight bytes cost as much as one. */
	asm volatile("rep movsq" : "+D"(dst), "+S"(src), "+c"(words) :: "memory");
	n &= 7;
	asm volatile("rep movsb" : "+D"(dst), "+S"(src), "+c"(n) :: "memory");
	return ret;
}

void *memset(void *dst, int c, size_t n)
{
	void *ret = dst;
	size_t words = n >> 3;

	asm volatile("rep stosq" : "+D"(dst), "+c"(words) : "a"((u8)c * 0x0101010101010101ull)
		     : "memory");
	n &= 7;
	asm volatile("rep stosb" : "+D"(dst), "+c"(n) : "a"(c) : "memory");
	return ret;
}

int memcmp(const void *a, const void *b, size_t n)
{
	const u8 *x = a, *y = b;

	for (; n; n--, x++, y++)
		if (*x != *y)
			return *x < *y ? -1 : 1;
	return 0;
}

size_t strlen(const char *s)
{
	size_t n = 0;

	while (s[n])
		n++;
	return n;
}

struct out {
	char *buf;
	size_t size, pos;
};

static void put(struct out *o, char c)
{
	if (o->pos + 1 < o->size)
		o->buf[o->pos++] = c;
}

static void put_number(struct out *o, u64 v, u32 base, u32 width, char pad)
{
	char digits[24];
	u32 n = 0;

	do {
		digits[n++] = "0123456789abcdef"[v % base];
		v /= base;
	} while (v);
	while (width > n && width < sizeof(digits))
		digits[n++] = pad;
	while (n)
		put(o, digits[--n]);
}

static void put_signed(struct out *o, s64 v, u32 width, char pad)
{
	if (v < 0)
		put(o, '-');
	put_number(o, v < 0 ? -(u64)v : (u64)v, 10, width, pad);
}

int vsnprintf(char *buf, size_t size, const char *fmt, va_list ap)
{
	struct out o = { buf, size, 0 };

	for (; *fmt; fmt++) {
		u32 width = 0, longs = 0;
		char pad = ' ';
		const char *s;

		if (*fmt != '%') {
			put(&o, *fmt);
			continue;
		}
		fmt++;
		if (*fmt == '0')
			pad = *fmt++;
		while (*fmt >= '0' && *fmt <= '9')
			width = width * 10 + *fmt++ - '0';
		while (*fmt == 'l' || *fmt == 'z') {
			longs++;
			fmt++;
		}
		switch (*fmt) {
		case 's':
			for (s = va_arg(ap, const char *); *s; s++)
				put(&o, *s);
			break;
		case 'c':
			put(&o, va_arg(ap, int));
			break;
		case 'd':
			put_signed(&o, longs ? va_arg(ap, s64) : va_arg(ap, int), width, pad);
			break;
		case 'u':
			put_number(&o, longs ? va_arg(ap, u64) : va_arg(ap, u32), 10, width, pad);
			break;
		case 'x':
			put_number(&o, longs ? va_arg(ap, u64) : va_arg(ap, u32), 16, width, pad);
			break;
		case 'p':
			put_number(&o, va_arg(ap, u64), 16, 16, '0');
			break;
		default:
			put(&o, *fmt);
		}
	}
	if (size)
		buf[o.pos] = 0;
	return o.pos;
}

int snprintf(char *buf, size_t size, const char *fmt, ...)
{
	va_list ap;
	int n;

	va_start(ap, fmt);
	n = vsnprintf(buf, size, fmt, ap);
	va_end(ap);
	return n;
}

void spin_lock(struct spinlock *l)
{
	while (__atomic_exchange_n(&l->locked, 1, __ATOMIC_ACQUIRE))
		cpu_relax();
}

void spin_unlock(struct spinlock *l)
{
	__atomic_store_n(&l->locked, 0, __ATOMIC_RELEASE);
}
