#include "api.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

enum { SLOTS = 4096 };

struct count {
	struct count *next;
	unsigned calls;
	char uri[];
};

struct counts {
	pthread_mutex_t lock;
	struct count *slot[SLOTS];
};

struct counts *
counts_new(void)
{
	struct counts *c = calloc(1, sizeof(*c));

	if (c != NULL && pthread_mutex_init(&c->lock, NULL) != 0) {
		free(c);
		c = NULL;
	}
	return c;
}

void
counts_free(struct counts *c)
{
	struct count *p, *next;

	if (c == NULL)
		return;
	for (size_t i = 0; i < SLOTS; i++)
		for (p = c->slot[i]; p != NULL; p = next) {
			next = p->next;
			free(p);
		}
	pthread_mutex_destroy(&c->lock);
	free(c);
}

static struct count *
counts_find(struct counts *c, const char *uri)
{
	size_t n = strlen(uri);
	uint32_t h = 2166136261u;
	struct count *p;

	for (size_t i = 0; i < n; i++)
		h = (h ^ (unsigned char)uri[i]) * 16777619u;
	for (p = c->slot[h % SLOTS]; p != NULL; p = p->next)
		if (strcmp(p->uri, uri) == 0)
			return p;
	if ((p = calloc(1, sizeof(*p) + n + 1)) == NULL)
		return NULL;
	memcpy(p->uri, uri, n + 1);
	p->next = c->slot[h % SLOTS];
	c->slot[h % SLOTS] = p;
	return p;
}

unsigned
counts_add(struct counts *c, const char *uri)
{
	struct count *p;
	unsigned calls = 1;

	pthread_mutex_lock(&c->lock);
	if ((p = counts_find(c, uri)) != NULL)
		calls = ++p->calls;
	pthread_mutex_unlock(&c->lock);
	return calls;
}
