/* cutter WHEN NTH MS FOLDER [WORD]: a PostgreSQL server at FOLDER, port 1, that
 * passes all on to the one of PGHOST and PGPORT, but for the NTH COMMIT of all:
 * before: the line is cut, and the server never sees it;
 * after: once the server has answered, but before the client hears of it;
 * late: the line to the client is cut at once, the COMMIT gets there MS
 * milliseconds later, when the client has come back and tries again;
 * twice: as after, and so is the line on which WORD comes first after that.
 * Says "cut" when it does, and "again". */
#include "base/clock.h"

#include <errno.h>
#include <netdb.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

enum { LINKS = 16, PART = 65536 };
enum when { BEFORE, AFTER, LATE, TWICE };
static const char word[] = "COMMIT";    /* with its NUL */

struct half {
	int fd;
	size_t seen;            /* how much of the word has come */
};

struct link {
	struct half client, server;
	bool cut;               /* the COMMIT was this one's */
	int64_t due;            /* late: when it is passed on */
	char *held;
	size_t len;
};

struct cutter {
	enum when when;
	unsigned nth, seen;
	int64_t ms;
	const char *word;       /* twice: where the second cut is to be */
	bool again;             /* it is to come */
	int door;
	struct link link[LINKS];
	size_t n;
	char part[PART];
};

static int
fail(const char *what)
{
	perror(what);
	exit(1);
}

static struct sockaddr_un
address(const char *folder, const char *port)
{
	struct sockaddr_un a = { .sun_family = AF_UNIX };

	(void)snprintf(a.sun_path, sizeof(a.sun_path), "%s/.s.PGSQL.%s",
	    folder, port);
	return a;
}

static int
connect_tcp(const char *host, const char *port)
{
	struct addrinfo want = { .ai_socktype = SOCK_STREAM }, *all = NULL;
	int fd = -1;

	if (getaddrinfo(host, port, &want, &all) != 0)
		return fail(host);
	for (struct addrinfo *a = all; a != NULL && fd == -1; a = a->ai_next) {
		fd = socket(a->ai_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
		if (connect(fd, a->ai_addr, a->ai_addrlen) == -1) {
			(void)close(fd);
			fd = -1;
		}
	}
	freeaddrinfo(all);
	return fd != -1 ? fd : fail(host);
}

static int
connect_server(void)
{
	const char *host = getenv("PGHOST"), *port = getenv("PGPORT");
	struct sockaddr_un a;
	int fd;

	if (host == NULL)
		host = "localhost";
	if (port == NULL)
		port = "5432";
	if (*host != '/')
		return connect_tcp(host, port);
	a = address(host, port);
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (connect(fd, (struct sockaddr *)&a, sizeof(a)) == -1)
		return fail(a.sun_path);
	return fd;
}

static int
listen_at(const char *folder)
{
	struct sockaddr_un a = address(folder, "1");
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	if (bind(fd, (struct sockaddr *)&a, sizeof(a)) == -1 ||
	    listen(fd, LINKS) == -1)
		return fail(a.sun_path);
	return fd;
}

/* Has the word come to its end in this part? */
static bool
word_ends(struct half *h, const char *p, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		if (p[i] == word[h->seen])
			h->seen++;
		else
			h->seen = p[i] == word[0];
		if (h->seen == sizeof(word)) {
			h->seen = 0;
			return true;
		}
	}
	return false;
}

static void
hang_up(struct half *h)
{
	if (h->fd != -1)
		(void)close(h->fd);
	h->fd = -1;
}

static bool
pass(int fd, const char *p, size_t n)
{
	ssize_t done;

	while (n > 0) {
		if ((done = send(fd, p, n, MSG_NOSIGNAL)) == -1)
			return false;
		p += done;
		n -= (size_t)done;
	}
	return true;
}

static void
hold(struct cutter *c, struct link *l, size_t n)
{
	if ((l->held = malloc(n)) == NULL)
		(void)fail("memory");
	memcpy(l->held, c->part, n);
	l->len = n;
	l->due = clock_ms() + c->ms;
	hang_up(&l->client);
}

static void
from_client(struct cutter *c, struct link *l)
{
	ssize_t n = recv(l->client.fd, c->part, PART, 0);

	if (n <= 0) {
		hang_up(&l->client);
		hang_up(&l->server);
		return;
	}
	if (word_ends(&l->client, c->part, (size_t)n) && ++c->seen == c->nth) {
		l->cut = true;
		(void)!write(STDOUT_FILENO, "cut\n", 4);
		if (c->when == LATE) {
			hold(c, l, (size_t)n);
			return;
		}
		if (c->when == BEFORE) {
			hang_up(&l->client);
			hang_up(&l->server);
			return;
		}
		c->again = c->when == TWICE;
	} else if (c->again && memmem(c->part, (size_t)n, c->word,
	    strlen(c->word)) != NULL) {
		c->again = false;
		(void)!write(STDOUT_FILENO, "again\n", 6);
		hang_up(&l->client);
		hang_up(&l->server);
		return;
	}
	if (!pass(l->server.fd, c->part, (size_t)n))
		hang_up(&l->client);
}

static void
from_server(struct cutter *c, struct link *l)
{
	ssize_t n = recv(l->server.fd, c->part, PART, 0);

	if (n > 0 && !l->cut &&
	    pass(l->client.fd, c->part, (size_t)n))
		return;
	if (n > 0 && l->cut && !word_ends(&l->server, c->part, (size_t)n))
		return;
	hang_up(&l->client);
	hang_up(&l->server);
}

/* -1: for ever. */
static int
deliver(struct cutter *c)
{
	int64_t left, least = -1;

	for (size_t i = 0; i < c->n; i++) {
		struct link *l = &c->link[i];

		if (l->held == NULL)
			continue;
		left = l->due - clock_ms();
		if (left > 0) {
			least = least == -1 || left < least ? left : least;
			continue;
		}
		(void)pass(l->server.fd, l->held, l->len);
		free(l->held);
		l->held = NULL;
	}
	return (int)least;
}

static void
sweep(struct cutter *c)
{
	size_t kept = 0;

	for (size_t i = 0; i < c->n; i++)
		if (c->link[i].client.fd != -1 || c->link[i].server.fd != -1)
			c->link[kept++] = c->link[i];
	c->n = kept;
}

static void
turn(struct cutter *c)
{
	struct pollfd p[1 + 2 * LINKS];
	size_t n = c->n;

	p[0] = (struct pollfd){ .fd = n < LINKS ? c->door : -1,
	    .events = POLLIN };
	for (size_t i = 0; i < n; i++) {
		p[1 + 2 * i] = (struct pollfd){ .fd = c->link[i].client.fd,
		    .events = POLLIN };
		p[2 + 2 * i] = (struct pollfd){ .fd = c->link[i].server.fd,
		    .events = POLLIN };
	}
	if (poll(p, 1 + 2 * n, deliver(c)) == -1)
		(void)fail("poll");
	for (size_t i = 0; i < n; i++) {
		if (p[1 + 2 * i].revents != 0 && c->link[i].client.fd != -1)
			from_client(c, &c->link[i]);
		if (p[2 + 2 * i].revents != 0 && c->link[i].server.fd != -1)
			from_server(c, &c->link[i]);
	}
	if (p[0].revents != 0)
		c->link[c->n++] = (struct link){
			.client.fd = accept(c->door, NULL, NULL),
			.server.fd = connect_server()
		};
	sweep(c);
}

int
main(int argc, char *argv[])
{
	struct cutter c = { 0 };

	if (argc < 5)
		return 64;
	c.when = strcmp(argv[1], "before") == 0 ? BEFORE :
	    strcmp(argv[1], "after") == 0 ? AFTER :
	    strcmp(argv[1], "twice") == 0 ? TWICE : LATE;
	c.nth = (unsigned)strtoul(argv[2], NULL, 10);
	c.ms = strtol(argv[3], NULL, 10);
	c.word = argc > 5 ? argv[5] : "BEGIN";
	c.door = listen_at(argv[4]);
	for (;;)
		turn(&c);
}
