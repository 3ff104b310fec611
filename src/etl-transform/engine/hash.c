#include "engine/row_hash.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* The engine of --hash: adds the hash to each output of the filter or, if there
 * is no filter, to each record. */
struct hasher {
	struct row_hash hash;
	void *filter;           /* of engine_choice, NULL without a filter */
	struct buf outputs;     /* of the filter, for one record */
	struct json json;       /* an output, parsed */
};

static void
hasher_free(void *self)
{
	struct hasher *h = self;

	if (h == NULL)
		return;
	engine_choice.free(h->filter);
	row_hash_release(&h->hash);
	buf_release(&h->outputs);
	json_release(&h->json);
	free(h);
}

static int
hasher_compile(void **self, const struct engine_conf *c, struct err *e)
{
	struct hasher *h = calloc(1, sizeof(*h));

	if (h == NULL)
		return err_nomem(e);
	buf_init(&h->outputs, SIZE_MAX / 2);
	if (row_hash_init(&h->hash, c, e) == -1 ||
	    (c->text != NULL &&
	    engine_choice.compile(&h->filter, c, e) == -1)) {
		hasher_free(h);
		return -1;
	}
	*self = h;
	return 0;
}

static void
hash_output(struct hasher *h, const char *p, size_t n, struct outcome *o)
{
	struct json_fault f = { 0 };

	if (json_scan(&h->json, p, n, JSON_LEVELS_ALL, JSON_LAST, &f) == 0)
		row_hash_put(&h->hash, &h->json, o);
	else if (f.nomem)
		_exit(ENGINE_NOMEM);
	else
		outcome_reject(o, "filter", "bug in this program: an output "
		    "of the filter is not JSON (%s); please report it", f.why);
}

static void
hash_outputs(struct hasher *h, struct outcome *o)
{
	const char *p, *end, *lf;

	buf_clear(&h->outputs);
	buf_add(&h->outputs, o->out.data, o->out.len);
	if (h->outputs.failed)
		_exit(ENGINE_NOMEM);
	buf_clear(&o->out);
	p = h->outputs.data;
	for (end = p + h->outputs.len; p < end && o->code[0] == '\0';
	    p = lf + 1) {
		lf = memchr(p, '\n', (size_t)(end - p));
		hash_output(h, p, (size_t)(lf - p), o);
	}
}

static void
hasher_run(void *self, const struct json *j, struct outcome *o)
{
	struct hasher *h = self;

	if (h->filter == NULL) {
		row_hash_put(&h->hash, j, o);
		return;
	}
	engine_choice.run(h->filter, j, o);
	if (o->code[0] == '\0' && o->out.len > 0)
		hash_outputs(h, o);
}

const struct engine engine_hash = {
	.compile = hasher_compile, .run = hasher_run, .free = hasher_free
};
