// SPDX-License-Identifier: GPL-2.0
/*
 * The guest's end of the test host's side channel: runs commands and moves
 * files over a serial line, so that a test needs no network in the guest and
 * no prompt to parse on the console.
 *
 * A frame is the same in both directions, little-endian:
 *
 *	u8 0xA5, 0x5A; u8 type; u8 sum; u32 id; u32 len; u8 payload[len]; u32 crc
 *
 * sum makes the header's 12 bytes add up to 0 modulo 256: a port that is just
 * being opened loses bytes, and a wrong len would swallow what follows. crc is
 * CRC-32 (IEEE 802.3) from @type to the end of the payload. Anything between
 * frames is skipped; a frame with a bad crc is answered with x EBADMSG, one
 * that stops for STALE ms is given up.
 * Commands run concurrently; the id, chosen by the host, tells them apart.
 *
 *	host -> guest			guest -> host
 *	P  any bytes			p  the same bytes
 *	E  command line for sh -c	o, e  stdout, stderr;  x  the end
 *	K  u32 signal			(none: the command's own x follows)
 *	W  u32 mode, u8 append, path,	x
 *	   NUL, contents
 *	R  path				o  contents;  x
 *
 * The payload of x: u8 kind (0 exit code, 1 signal, 2 errno), u32 value.
 */
#define _GNU_SOURCE
#include <endian.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <termios.h>
#include <unistd.h>

#define MAGIC0		0xa5
#define MAGIC1		0x5a
#define HEADER		12
#define MAX_PAYLOAD	65536
#define CHUNK		4096
#define MAX_JOBS	32
#define STALE		3000

enum end_kind { END_EXIT, END_SIGNAL, END_ERRNO };

struct job {
	pid_t pid;		/* 0: slot free */
	uint32_t id;
	int out, err;		/* our ends of the pipes, -1 once closed */
	bool reaped;
	enum end_kind kind;
	uint32_t value;
};

static struct job jobs[MAX_JOBS];
static int line = -1;
static int child_pipe[2];
static uint32_t crc_table[256];

static void crc_init(void)
{
	for (uint32_t i = 0; i < 256; i++) {
		uint32_t c = i;

		for (int bit = 0; bit < 8; bit++)
			c = c & 1 ? 0xedb88320u ^ (c >> 1) : c >> 1;
		crc_table[i] = c;
	}
}

static uint32_t crc_add(uint32_t crc, const uint8_t *p, size_t len)
{
	while (len--)
		crc = crc_table[(crc ^ *p++) & 0xff] ^ (crc >> 8);
	return crc;
}

/* Sum of a header; 0 for one that is whole. */
static uint8_t sum(const uint8_t *header)
{
	uint8_t all = 0;

	for (int i = 0; i < HEADER; i++)
		all += header[i];
	return all;
}

static void write_all(const void *data, size_t len)
{
	const uint8_t *p = data;

	while (len) {
		ssize_t n = write(line, p, len);

		if (n < 0 && errno != EINTR && errno != EAGAIN)
			exit(1);
		if (n > 0) {
			p += n;
			len -= n;
		}
	}
}

static void send_frame(char type, uint32_t id, const void *data, uint32_t len)
{
	uint8_t head[HEADER] = { MAGIC0, MAGIC1, type };
	uint32_t le_id = htole32(id), le_len = htole32(len), crc;

	memcpy(head + 4, &le_id, 4);
	memcpy(head + 8, &le_len, 4);
	head[3] = -sum(head);
	crc = crc_add(~0u, head + 2, HEADER - 2);
	crc = htole32(~crc_add(crc, data, len));
	write_all(head, sizeof(head));
	write_all(data, len);
	write_all(&crc, 4);
}

static void send_end(uint32_t id, enum end_kind kind, uint32_t value)
{
	uint8_t end[5] = { kind };

	value = htole32(value);
	memcpy(end + 1, &value, 4);
	send_frame('x', id, end, sizeof(end));
}

static void on_child(int sig)
{
	int saved = errno;

	(void)sig;
	/* A full pipe is as good: then the wake-up is there already. */
	while (write(child_pipe[1], "", 1) < 0 && errno == EINTR)
		;
	errno = saved;
}

static void open_line(const char *path)
{
	struct termios tio;

	line = open(path, O_RDWR | O_NOCTTY | O_CLOEXEC);
	if (line < 0 || tcgetattr(line, &tio)) {
		perror(path);
		exit(1);
	}
	cfmakeraw(&tio);
	tio.c_cflag |= CLOCAL | CREAD;
	tio.c_cflag &= ~CRTSCTS;
	cfsetspeed(&tio, B115200);
	tio.c_cc[VMIN] = 1;
	tio.c_cc[VTIME] = 0;
	tcsetattr(line, TCSANOW, &tio);
}

static void child(const char *command, int out, int err)
{
	int null = open("/dev/null", O_RDONLY);

	setpgid(0, 0);
	signal(SIGCHLD, SIG_DFL);
	signal(SIGPIPE, SIG_DFL);
	if (null < 0 || dup2(null, 0) < 0 || dup2(out, 1) < 0 ||
	    dup2(err, 2) < 0)
		_exit(126);
	execl("/bin/sh", "sh", "-c", command, NULL);
	_exit(127);
}

static void run(uint32_t id, const char *command)
{
	struct job *job = NULL;
	int out[2], err[2];

	for (int i = 0; i < MAX_JOBS && !job; i++)
		if (!jobs[i].pid)
			job = &jobs[i];
	if (!job) {
		send_end(id, END_ERRNO, EAGAIN);
		return;
	}
	if (pipe2(out, O_CLOEXEC)) {
		send_end(id, END_ERRNO, errno);
		return;
	}
	if (pipe2(err, O_CLOEXEC)) {
		send_end(id, END_ERRNO, errno);
		close(out[0]);
		close(out[1]);
		return;
	}
	job->pid = fork();
	if (!job->pid)
		child(command, out[1], err[1]);
	close(out[1]);
	close(err[1]);
	if (job->pid > 0)
		setpgid(job->pid, job->pid);	/* a K may follow at once */
	if (job->pid < 0) {
		send_end(id, END_ERRNO, errno);
		close(out[0]);
		close(err[0]);
		job->pid = 0;
		return;
	}
	job->id = id;
	job->out = out[0];
	job->err = err[0];
	job->reaped = false;
}

/*
 * A command has ended once it was reaped and what it wrote has been read. A
 * process that it left behind may hold the pipes open for ever, so that end
 * of file is not waited for: what is in the pipe when it exits is all.
 */
static bool drain(int *fd, char type, uint32_t id, bool to_the_end)
{
	uint8_t buf[CHUNK];
	ssize_t n;

	while (*fd >= 0) {
		struct pollfd p = { .fd = *fd, .events = POLLIN };

		if (poll(&p, 1, 0) <= 0)
			return false;
		n = read(*fd, buf, sizeof(buf));
		if (n <= 0) {
			close(*fd);
			*fd = -1;
			return true;
		}
		send_frame(type, id, buf, n);
		if (!to_the_end)
			return true;
	}
	return false;
}

static void finish(struct job *job)
{
	drain(&job->out, 'o', job->id, true);
	drain(&job->err, 'e', job->id, true);
	if (job->out >= 0)
		close(job->out);
	if (job->err >= 0)
		close(job->err);
	send_end(job->id, job->kind, job->value);
	job->pid = 0;
}

static void reap(void)
{
	uint8_t buf[64];
	int status;
	pid_t pid;

	while (read(child_pipe[0], buf, sizeof(buf)) > 0)
		;
	while ((pid = waitpid(-1, &status, WNOHANG)) > 0) {
		for (int i = 0; i < MAX_JOBS; i++) {
			if (jobs[i].pid != pid)
				continue;
			jobs[i].reaped = true;
			jobs[i].kind = WIFSIGNALED(status) ? END_SIGNAL :
							     END_EXIT;
			jobs[i].value = WIFSIGNALED(status) ?
						WTERMSIG(status) :
						WEXITSTATUS(status);
		}
	}
}

static void kill_job(uint32_t id, const uint8_t *p, uint32_t len)
{
	uint32_t sig;

	if (len != 4)
		return;
	memcpy(&sig, p, 4);
	for (int i = 0; i < MAX_JOBS; i++)
		if (jobs[i].pid && jobs[i].id == id && !jobs[i].reaped)
			kill(-jobs[i].pid, le32toh(sig));
}

static void write_file(uint32_t id, const uint8_t *p, uint32_t len)
{
	const char *path = (const char *)p + 5;
	const uint8_t *nul = len > 5 ? memchr(path, 0, len - 5) : NULL;
	uint32_t mode, left;
	int fd;

	if (!nul) {
		send_end(id, END_ERRNO, EINVAL);
		return;
	}
	memcpy(&mode, p, 4);
	fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC |
		  (p[4] ? O_APPEND : O_TRUNC), 0600);
	if (fd < 0) {
		send_end(id, END_ERRNO, errno);
		return;
	}
	left = p + len - (nul + 1);
	for (p = nul + 1; left; ) {
		ssize_t n = write(fd, p, left);

		if (n <= 0)
			break;
		p += n;
		left -= n;
	}
	if (left || fchmod(fd, le32toh(mode)))
		send_end(id, END_ERRNO, errno);
	else
		send_end(id, END_EXIT, 0);
	close(fd);
}

static void read_file(uint32_t id, const char *path)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	uint8_t buf[CHUNK];
	ssize_t n;

	if (fd < 0) {
		send_end(id, END_ERRNO, errno);
		return;
	}
	while ((n = read(fd, buf, sizeof(buf))) > 0)
		send_frame('o', id, buf, n);
	if (n < 0)
		send_end(id, END_ERRNO, errno);
	else
		send_end(id, END_EXIT, 0);
	close(fd);
}

static void request(char type, uint32_t id, uint8_t *p, uint32_t len)
{
	p[len] = 0;		/* there is always room for it */
	switch (type) {
	case 'P':
		send_frame('p', id, p, len);
		break;
	case 'E':
		run(id, (char *)p);
		break;
	case 'K':
		kill_job(id, p, len);
		break;
	case 'W':
		write_file(id, p, len);
		break;
	case 'R':
		read_file(id, (char *)p);
		break;
	default:
		send_end(id, END_ERRNO, ENOSYS);
	}
}

/* Takes whole frames off the front of @buf; returns what is left of @len. */
static size_t parse(uint8_t *buf, size_t len)
{
	static uint8_t payload[MAX_PAYLOAD + 1];
	uint32_t id, size, crc;
	size_t at = 0;

	while (len - at >= HEADER + 4) {
		uint8_t *f = buf + at;

		memcpy(&size, f + 8, 4);
		size = le32toh(size);
		if (f[0] != MAGIC0 || f[1] != MAGIC1 || sum(f) ||
		    size > MAX_PAYLOAD) {
			at++;
			continue;
		}
		if (len - at < HEADER + size + 4)
			break;
		memcpy(&id, f + 4, 4);
		memcpy(&crc, f + HEADER + size, 4);
		if (~crc_add(~0u, f + 2, HEADER - 2 + size) != le32toh(crc)) {
			send_end(le32toh(id), END_ERRNO, EBADMSG);
			at += 2;
			continue;
		}
		memcpy(payload, f + HEADER, size);
		request(f[2], le32toh(id), payload, size);
		at += HEADER + size + 4;
	}
	memmove(buf, buf + at, len - at);
	return len - at;
}

static void loop(void)
{
	static uint8_t buf[HEADER + MAX_PAYLOAD + 4];
	struct pollfd fds[2 + 2 * MAX_JOBS];
	size_t len = 0;

	for (;;) {
		int count = 2, ready;

		fds[0] = (struct pollfd){ .fd = line, .events = POLLIN };
		fds[1] = (struct pollfd){ .fd = child_pipe[0],
					  .events = POLLIN };
		for (int i = 0; i < MAX_JOBS; i++) {
			if (!jobs[i].pid)
				continue;
			fds[count++] = (struct pollfd){ .fd = jobs[i].out,
							.events = POLLIN };
			fds[count++] = (struct pollfd){ .fd = jobs[i].err,
							.events = POLLIN };
		}
		ready = poll(fds, count, len ? STALE : -1);
		if (ready < 0 && errno != EINTR)
			exit(1);
		if (!ready)
			len = 0;
		if (ready > 0 && fds[0].revents) {
			ssize_t n = read(line, buf + len, sizeof(buf) - len);

			if (n < 0 && errno != EINTR && errno != EAGAIN)
				exit(1);
			if (n > 0)
				len = parse(buf, len + n);
		}
		reap();
		for (int i = 0; i < MAX_JOBS; i++) {
			struct job *job = &jobs[i];

			if (!job->pid)
				continue;
			if (job->reaped) {
				finish(job);
				continue;
			}
			drain(&job->out, 'o', job->id, false);
			drain(&job->err, 'e', job->id, false);
		}
	}
}

int main(int argc, char **argv)
{
	struct sigaction sa = { .sa_handler = on_child,
				.sa_flags = SA_RESTART | SA_NOCLDSTOP };

	if (argc != 2) {
		fprintf(stderr, "usage: %s TTY\n", argv[0]);
		return 2;
	}
	crc_init();
	open_line(argv[1]);
	if (pipe2(child_pipe, O_CLOEXEC | O_NONBLOCK))
		return 1;
	signal(SIGPIPE, SIG_IGN);
	sigaction(SIGCHLD, &sa, NULL);
	send_frame('p', 0, "up", 2);
	loop();
	return 0;
}
