// SPDX-License-Identifier: GPL-2.0
/* Guest physical address descriptor lists: memory that the guest lends to the host. */
#include "host.h"
#include "lib.h"
#include "mailbox.h"
#include "vmbus.h"

#define MAX_PAGES	8192		/* 32 MiB: above any ring, below the heap's largest block */

static struct gpadl *list;

struct gpadl *gpadl_find(u32 handle)
{
	struct gpadl *g;

	for (g = list; g; g = g->next)
		if (g->handle == handle)
			return g;
	return NULL;
}

static void unlink_free(struct gpadl **at)
{
	struct gpadl *g = *at;

	*at = g->next;
	heap_free(g);
}

void gpadl_forget(u32 relid)
{
	struct gpadl **at = &list;

	while (*at) {
		if (!relid || (*at)->relid == relid)
			unlink_free(at);
		else
			at = &(*at)->next;
	}
}

static void report(const struct gpadl *g, u32 what)
{
	struct vmbus_device *d = vmbus_by_relid(g->relid);
	u32 event[3] = { g->handle, g->count, what };

	mailbox_event1(HVHOST_EVT_GPADL, 0, d ? d->number : 0, event, sizeof(event));
}

static void created(u32 relid, u32 handle, u32 status)
{
	struct msg_gpadl_created m = {
		.h.type = MSG_GPADL_CREATED,
		.relid = relid,
		.gpadl = handle,
		.status = status,
	};

	vmbus_post(&m, sizeof(m));
}

/* False when a page is not the guest's RAM. @len bytes of page numbers, not aligned. */
static bool add_pages(struct gpadl *g, const u8 *pfns, u32 len)
{
	u32 at;

	for (at = 0; at + 8 <= len && g->have < g->count; at += 8) {
		void *page = NULL;
		u64 pfn;

		memcpy(&pfn, pfns + at, sizeof(pfn));
		if (!(pfn >> 40))
			page = guest_ptr(pfn << PAGE_SHIFT, PAGE_SIZE);

		if (!page) {
			vmbus_violation(vmbus_by_relid(g->relid), true,
					"GPADL %x names page %lx, which is not RAM", g->handle,
					pfn);
			return false;
		}
		g->pages[g->have++] = page;
	}
	return true;
}

/* More pages are there; answer when all are, or when one is wrong. */
static void progress(struct gpadl *g, bool good)
{
	if (good && g->have < g->count)
		return;
	/* the guest may not have rings yet, and must be able to bear it */
	if (vmbus.config.early_signal && vmbus_by_relid(g->relid))
		channel_signal(vmbus_by_relid(g->relid));
	created(g->relid, g->handle, good ? STATUS_SUCCESS : STATUS_INVALID_PARAMETER);
	if (good) {
		report(g, HVHOST_GPADL_CREATED);
		return;
	}
	for (struct gpadl **at = &list; *at; at = &(*at)->next) {
		if (*at == g) {
			unlink_free(at);
			return;
		}
	}
}

static struct gpadl *new_gpadl(const struct msg_gpadl_header *m)
{
	struct vmbus_device *d = vmbus_by_relid(m->relid);
	u32 bytes = m->byte_count, offset = m->byte_offset;
	struct gpadl *g;
	u64 pages;

	if (!d) {
		vmbus_violation(NULL, true, "GPADL for unknown channel %u", m->relid);
		return NULL;
	}
	if (!m->gpadl || gpadl_find(m->gpadl)) {
		vmbus_violation(d, true, "GPADL handle %x is in use", m->gpadl);
		return NULL;
	}
	pages = ((u64)offset + bytes + PAGE_SIZE - 1) >> PAGE_SHIFT;
	if (m->range_count != 1 || !bytes || offset >= PAGE_SIZE || pages > MAX_PAGES) {
		vmbus_violation(d, true, "GPADL %x: %u ranges, %u bytes at %u", m->gpadl,
				m->range_count, bytes, offset);
		return NULL;
	}
	if (m->range_len != 8 + pages * 8) {
		vmbus_violation(d, true, "GPADL %x: range list of %u bytes for %lu pages",
				m->gpadl, m->range_len, pages);
		return NULL;
	}
	g = heap_alloc(sizeof(*g) + pages * sizeof(g->pages[0]));
	if (!g) {
		hv_log("no memory for a GPADL of %lu pages", pages);
		return NULL;
	}
	g->handle = m->gpadl;
	g->relid = m->relid;
	g->count = pages;
	return g;
}

void gpadl_header(const void *msg, u32 len)
{
	const struct msg_gpadl_header *m = msg;
	struct gpadl *g = new_gpadl(m);

	if (!g) {
		created(m->relid, m->gpadl, STATUS_INVALID_PARAMETER);
		return;
	}
	g->next = list;
	list = g;
	progress(g, add_pages(g, (const u8 *)(m + 1), len - sizeof(*m)));
}

void gpadl_body(const void *msg, u32 len)
{
	const struct msg_gpadl_body *m = msg;
	struct gpadl *g = gpadl_find(m->gpadl);

	if (!g || g->have == g->count) {
		vmbus_violation(NULL, true, "GPADL body for %x, which expects none", m->gpadl);
		return;
	}
	/* The message number is not looked at: Linux leaves it 0. Order is the order of arrival. */
	progress(g, add_pages(g, (const u8 *)(m + 1), len - sizeof(*m)));
}

void gpadl_teardown(const void *msg, u32 len)
{
	const struct msg_gpadl_teardown *m = msg;
	struct msg_gpadl_torndown r = { .h.type = MSG_GPADL_TORNDOWN, .gpadl = m->gpadl };
	struct gpadl *g = gpadl_find(m->gpadl);
	struct vmbus_device *d = vmbus_by_relid(m->relid);

	(void)len;
	if (!g || g->relid != m->relid) {
		vmbus_violation(d, true, "teardown of GPADL %x, channel %u: no such list", m->gpadl,
				m->relid);
		return;
	}
	if (d && d->state == HVHOST_DEV_OPEN && d->gpadl == g) {
		vmbus_violation(d, true, "teardown of GPADL %x while the channel is open",
				m->gpadl);
		return;
	}
	report(g, HVHOST_GPADL_TORNDOWN);
	for (struct gpadl **at = &list; *at; at = &(*at)->next) {
		if (*at == g) {
			unlink_free(at);
			break;
		}
	}
	vmbus_post(&r, sizeof(r));
}
