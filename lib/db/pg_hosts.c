#include "db/pg_hosts.h"

#include <netdb.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

static void
host_free(struct host *one)
{
	free(one->name);
	free(one->addr);
	free(one->port);
}

static int
add_host(struct hosts *h, const char *name, const char *addr,
    const char *port, struct err *e)
{
	struct host one = { strdup(name), strdup(addr), strdup(port) };
	struct host *v = realloc(h->v, (h->n + 1) * sizeof(*v));

	if (v != NULL)
		h->v = v;
	if (v == NULL || one.name == NULL || one.addr == NULL ||
	    one.port == NULL) {
		host_free(&one);
		return err_nomem(e);
	}
	h->v[h->n++] = one;
	return 0;
}

/* Looks up a server's host name and adds each of its addresses to the list h.
 * A numeric address needs no look-up. The path of a Unix socket, and a name
 * that cannot be looked up, are added as they are. */
static int
add_addresses(struct hosts *h, const struct host *one, struct err *e)
{
	struct addrinfo hints = { .ai_socktype = SOCK_STREAM }, *all, *a;
	const char *node = one->addr;
	char addr[NI_MAXHOST];
	int rc = 0;

	if (*node != '\0')
		hints.ai_flags = AI_NUMERICHOST;
	else
		node = one->name;
	if (*node == '\0' || *node == '/' || *node == '@' ||
	    getaddrinfo(node, NULL, &hints, &all) != 0)
		return add_host(h, one->name, one->addr, one->port, e);
	for (a = all; rc == 0 && a != NULL; a = a->ai_next)
		if (getnameinfo(a->ai_addr, a->ai_addrlen, addr, sizeof(addr),
		    NULL, 0, NI_NUMERICHOST) == 0)
			rc = add_host(h, one->name, addr, one->port, e);
	freeaddrinfo(all);
	return rc;
}

static size_t
count_list_items(const char *list)
{
	size_t n = 1;

	for (; *list != '\0'; list++)
		n += *list == ',';
	return n;
}

static char *
copy_list_item(const char *list, size_t i)
{
	while (i-- > 0) {
		list += strcspn(list, ",");
		list += *list == ',';
	}
	return strndup(list, strcspn(list, ","));
}

int
hosts_resolve(struct hosts *h, const char *names, const char *addrs,
    const char *ports, struct err *e)
{
	size_t n, of;
	int rc = 0;

	if (names == NULL)
		names = "";
	if (addrs == NULL)
		addrs = "";
	if (ports == NULL)
		ports = "";
	n = count_list_items(*addrs != '\0' ? addrs : names);
	of = count_list_items(
	    ports); /* if there is one port, all hosts use it */
	*h = (struct hosts){ 0 };
	for (size_t i = 0; rc == 0 && i < n; i++) {
		struct host one = {copy_list_item(names, i),
		    copy_list_item(addrs, i),
		    copy_list_item(ports, of == 1 ? 0 : i)};

		if (one.name == NULL || one.addr == NULL || one.port == NULL)
			rc = err_nomem(e);
		else
			rc = add_addresses(h, &one, e);
		host_free(&one);
	}
	return rc;
}

void
hosts_release(struct hosts *h)
{
	for (size_t i = 0; i < h->n; i++)
		host_free(&h->v[i]);
	free(h->v);
	*h = (struct hosts){ 0 };
}

/* Compares an entry of the list with the host, address and port that libpq
 * reports. libpq does not report the zone of an IPv6 address, the "%eth0" in
 * "fe80::1%eth0", so the zone is ignored. A name or port that is empty in the
 * entry matches any. */
static bool
host_matches(const struct host *one, const char *name, const char *addr,
    const char *port)
{
	size_t n = strcspn(one->addr, "%");

	return (*one->name == '\0' || strcmp(one->name, name) == 0) &&
	    (*one->port == '\0' || strcmp(one->port, port) == 0) &&
	    strncmp(one->addr, addr, n) == 0 && addr[n] == '\0';
}

void
hosts_remove(struct hosts *h, const char *name, const char *addr,
    const char *port)
{
	size_t i = 0;

	while (i < h->n && !host_matches(&h->v[i], name, addr, port))
		i++;
	if (i == h->n)
		i = 0;
	if (h->n == 0)
		return;
	host_free(&h->v[i]);
	h->n--;
	memmove(h->v + i, h->v + i + 1, (h->n - i) * sizeof(*h->v));
}

void
hosts_put(const struct hosts *h, struct buf *names, struct buf *addrs,
    struct buf *ports)
{
	for (size_t i = 0; i < h->n; i++) {
		const char *comma = i == 0 ? "" : ",";

		buf_printf(names, "%s%s", comma, h->v[i].name);
		buf_printf(addrs, "%s%s", comma, h->v[i].addr);
		buf_printf(ports, "%s%s", comma, h->v[i].port);
	}
}
