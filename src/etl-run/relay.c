#include "relay.h"

#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

enum {
	PATIENCE = 1000,        /* ms, for a stderr that is stuck at the end */
	MOVES = 1024            /* more than a pipe holds */
};

void
relay_open(struct relay *r, int fd, struct cause *c)
{
	*r = (struct relay){ .fd = fd, .cause = c };
	(void)fcntl(fd, F_SETFL, O_NONBLOCK);
}

void
relay_want(const struct relay *r, struct pollfd p[RELAY_FDS])
{
	bool waits = r->at < r->len;

	p[0] = (struct pollfd){ .fd = waits ? -1 : r->fd, .events = POLLIN };
	p[1] = (struct pollfd){ .fd = waits ? STDERR_FILENO : -1,
	    .events = POLLOUT };
}

static void
take(struct relay *r)
{
	ssize_t n = read(r->fd, r->data, sizeof(r->data));

	if (n > 0) {
		r->at = 0;
		r->len = (size_t)n;
		cause_add(r->cause, r->data, r->len);
	} else if (n == 0 || (errno != EAGAIN && errno != EINTR)) {
		(void)close(r->fd);
		r->fd = -1;
	}
}

/* A stderr that takes no more is no reason to stop the pipeline. */
static void
show(struct relay *r)
{
	ssize_t n = write(STDERR_FILENO, r->data + r->at, r->len - r->at);

	if (n >= 0)
		r->at += (size_t)n;
	else if (errno != EAGAIN && errno != EINTR)
		r->at = r->len;
}

void
relay_move(struct relay *r, const struct pollfd p[RELAY_FDS])
{
	if (p[0].fd != -1 && p[0].revents != 0)
		take(r);
	if (p[1].fd != -1 && p[1].revents != 0)
		show(r);
}

void
relay_drain(struct relay *r)
{
	struct pollfd p[RELAY_FDS];

	/* Others, who are not of the group, may write on without end. */
	for (int i = 0; i < MOVES; i++) {
		int timeout = r->at < r->len ? PATIENCE : 0;

		relay_want(r, p);
		if (poll(p, RELAY_FDS, timeout) <= 0)
			break;
		relay_move(r, p);
	}
	cause_end(r->cause);
}

void
relay_close(struct relay *r)
{
	if (r->fd >= 0)
		(void)close(r->fd);
	r->fd = -1;
}
