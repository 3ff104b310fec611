#include "http/http_impl.h"

#include <curl/curl.h>

void
http_set_before_wait(struct http *h, struct http_before_wait b)
{
	h->before_wait = b;
}

static void
free_list(struct transfer *t, void *multi)
{
	struct transfer *next;

	for (; t != NULL; t = next) {
		next = t->next;
		transfer_free(t, multi);
	}
}

void
http_free_transfers(struct http *h)
{
	free_list(h->current, h->multi);
	free_list(h->early, h->multi);
	free_list(h->spare, h->multi);
}

/* Ends the transfer. It can be used again for another request. */
static void
keep_as_spare(struct http *h, struct transfer *t)
{
	transfer_end(t, h->multi);
	t->next = h->spare;
	h->spare = t;
}

static void
end_first_early(struct http *h)
{
	struct transfer *t = h->early;

	h->early = t->next;
	keep_as_spare(h, t);
}

void
http_end_early(struct http *h)
{
	while (h->early != NULL)
		end_first_early(h);
}

size_t
http_count_early(const struct http *h)
{
	size_t n = 0;

	for (const struct transfer *t = h->early; t != NULL; t = t->next)
		n++;
	return n;
}

size_t
http_count_unanswered(const struct http *h)
{
	size_t n = transfer_is_receiving(h->current) &&
	    !h->current->receiver.has_head;

	for (const struct transfer *t = h->early; t != NULL; t = t->next)
		n += transfer_is_receiving(t) && !t->receiver.has_head;
	return n;
}

int
http_begin_early(struct http *h, const struct http_request *r, struct err *e)
{
	struct transfer *t = h->spare, **end = &h->early;

	if (t != NULL)
		h->spare = t->next;
	else if (transfer_new(&t, &h->conf, &h->sockets, e) == -1)
		return -1;
	t->next = NULL;
	if (transfer_begin_early(t, h->multi, r, e) == -1) {
		keep_as_spare(h, t);
		return -1;
	}
	while (*end != NULL)
		end = &(*end)->next;
	*end = t;
	return 0;
}

bool
http_match_early(struct http *h, const struct http_request *r)
{
	struct transfer *t = h->early;

	if (t == NULL)
		return false;
	if (!transfer_match_early(t, r)) {
		http_end_early(h);
		return false;
	}
	if (!t->is_done || t->code == CURLE_OK)
		return true;
	end_first_early(h);
	return false;
}

void
http_use_early(struct http *h, struct http_answer *a)
{
	struct transfer *t = h->early;

	h->early = t->next;
	t->next = NULL;
	keep_as_spare(h, h->current);
	h->current = t;
	transfer_move_answer(t, a);
}

void
http_early_add_wait(struct http *h, int64_t since)
{
	struct err e;
	int64_t left;

	for (struct transfer *t = h->early; t != NULL; t = t->next) {
		if (!transfer_is_receiving(t))
			continue;
		time_limit_add_wait(&t->time, since);
		if (time_limit_check(&t->time, &left, &e) == 0)
			continue;
		transfer_end(t, h->multi);
		transfer_set_done(t, CURLE_OPERATION_TIMEDOUT);
	}
}

bool
http_has_early(const struct http *h)
{
	const struct transfer *t = h->early;

	return t != NULL && t->is_done && t->code == CURLE_OK &&
	    t->receiver.has_head && t->early.status < 300;
}

const struct http_answer *
http_next_early_head(struct http *h)
{
	for (struct transfer *t = h->early; t != NULL; t = t->next)
		if (t->receiver.has_head && !t->early.is_noted) {
			t->early.is_noted = true;
			return &t->early;
		}
	return NULL;
}
