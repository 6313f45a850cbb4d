// SPDX-License-Identifier: GPL-2.0
/* Commands of the driving program. */
#include "command.h"
#include "host.h"
#include "lib.h"
#include "mailbox.h"
#include "smp.h"
#include "synic.h"
#include "vmbus.h"

static int cmd_boot(const void *body, u32 len)
{
	if (len != sizeof(host.boot))
		return -EINVAL;
	if (host.booted)
		return -EBUSY;
	memcpy(&host.boot, body, sizeof(host.boot));
	host.booted = true;
	smp_release(0, host.boot.rip, host.boot.rsi);
	return 0;
}

static int cmd_config(const void *body, u32 len)
{
	const struct hvhost_config *c = body;

	if (len != sizeof(*c) || c->close_policy > HVHOST_CLOSE_REOFFER ||
	    c->signal_policy > HVHOST_SIGNAL_ALWAYS)
		return -EINVAL;
	vmbus.config = *c;
	return 0;
}

/* Messages as they are: wrong ones are the point. */
static int cmd_post(const u8 *body, u32 len)
{
	u32 at, n;

	for (at = 0; at + 8 <= len; at += 8 + ALIGN_UP(n, 8)) {
		memcpy(&n, body + at, sizeof(n));
		if (n > HV_MESSAGE_PAYLOAD || at + 8 + n > len)
			return -EINVAL;
	}
	for (at = 0; at + 8 <= len; at += 8 + ALIGN_UP(n, 8)) {
		memcpy(&n, body + at, sizeof(n));
		if (!synic_post(vmbus.vp, VMBUS_SINT, body + at + 8, n))
			return -ENOMEM;
	}
	return 0;
}

static int cmd_send(struct vmbus_device *d, const struct hvhost_frame *f, const void *body, u32 len)
{
	const struct hvhost_send *s = body;

	if (len < sizeof(*s))
		return -EINVAL;
	return channel_send(d, f->seq, f->flags, s, s + 1, len - sizeof(*s));
}

static int cmd_poke(struct vmbus_device *d, const void *body, u32 len)
{
	if (len != sizeof(struct hvhost_poke))
		return -EINVAL;
	return channel_poke(d, body);
}

static int cmd_stall(struct vmbus_device *d, bool on)
{
	d->stalled = on;
	if (!on)
		d->signalled = d->state == HVHOST_DEV_OPEN;
	return 0;
}

static int cmd_rescind_upon(struct vmbus_device *d, const void *body, u32 len)
{
	if (len != sizeof(struct hvhost_upon))
		return -EINVAL;
	return vmbus_rescind_upon(d, body);
}

static int device_command(struct vmbus_device *d, const struct hvhost_frame *f, const void *body,
			  u32 len)
{
	switch (f->type) {
	case HVHOST_CMD_RESCIND:
		return vmbus_rescind(d, false);
	case HVHOST_CMD_RESCIND_UPON:
		return cmd_rescind_upon(d, body, len);
	case HVHOST_CMD_REMOVE:
		return vmbus_rescind(d, true);
	case HVHOST_CMD_REOFFER:
		return vmbus_reoffer(d);
	case HVHOST_CMD_POKE:
		return cmd_poke(d, body, len);
	case HVHOST_CMD_STALL:
		return cmd_stall(d, f->flags & 1);
	case HVHOST_CMD_SIGNAL:
		if (d->state != HVHOST_DEV_OPEN)
			return -ENOTCONN;
		return channel_signal(d) ? 0 : -EPROTO;
	case HVHOST_CMD_CANCEL:
		channel_cancel(d);
		return 0;
	}
	return -EINVAL;
}

static void run(const struct hvhost_frame *f)
{
	const void *body = f + 1;
	u32 len = f->len - sizeof(*f);
	struct vmbus_device *d = NULL;
	struct hvhost_peek peek;
	int ret;

	switch (f->type) {
	case HVHOST_CMD_NOP:
		ret = 0;
		break;
	case HVHOST_CMD_CONFIG:
		ret = cmd_config(body, len);
		break;
	case HVHOST_CMD_BOOT:
		ret = cmd_boot(body, len);
		break;
	case HVHOST_CMD_POST:
		ret = cmd_post(body, len);
		break;
	case HVHOST_CMD_OFFER:
		ret = len == sizeof(struct hvhost_offer) ? vmbus_add_device(f->dev, body) : -EINVAL;
		break;
	case HVHOST_CMD_PEEK:
		d = vmbus_find(f->dev);
		ret = d ? 0 : -ENOENT;
		if (d)
			channel_peek(d, &peek);
		break;
	default:
		d = vmbus_find(f->dev);
		if (!d) {
			ret = -ENOENT;
		} else if (f->type == HVHOST_CMD_SEND || f->type == HVHOST_CMD_RAW) {
			if (f->type == HVHOST_CMD_SEND)
				ret = cmd_send(d, f, body, len);
			else
				ret = channel_send_raw(d, f->seq, f->flags, body, len);
			if (!ret)
				return;		/* acknowledged when it is in the ring */
		} else {
			ret = device_command(d, f, body, len);
		}
	}
	if (f->type == HVHOST_CMD_PEEK && !ret)
		mailbox_ack(f->seq, f->dev, 0, &peek, sizeof(peek));
	else
		mailbox_ack(f->seq, f->dev, ret, NULL, 0);
}

bool command_poll(void)
{
	const struct hvhost_frame *f = mailbox_command();

	if (!f)
		return false;
	run(f);
	return true;
}
