#include "native/native.h"

#include "engine/filter_source.h"
#include "native/run.h"

#include <stdlib.h>
#include <string.h>

enum { UNCHECKED_MAX = 8 << 10 };

struct native {
	struct compiled program;
	struct run run;
};

void
native_free(struct native *n)
{
	if (n == NULL)
		return;
	compiled_release(&n->program);
	arena_release(&n->run.values.arena);
	buf_release(&n->run.values.text);
	run_module_close(n->run.module);
	free(n->run.slots);
	free(n);
}

static int
init_run(struct native *n, const struct engine_conf *c, struct err *e)
{
	arena_init(&n->run.values.arena, VALUES_MEMORY);
	buf_init(&n->run.values.text, VALUES_MEMORY);
	run_init(&n->run);
	n->run.max_record = c->max_record;
	n->run.slots = calloc(n->program.slots + 1, sizeof(struct value));
	if (n->run.slots == NULL)
		return err_nomem(e);
	return run_module_open(&n->run.module, n->program.zones, e);
}

/* Returns false for filters that libjq must compile first. These are: a filter
 * with -L or imports; a long filter, because the parser of the native engine is
 * recursive and could exceed its stack, and because libjq limits the size of a
 * filter; and a filter with a carriage return, because some versions of jq end
 * a comment there. */
bool
native_may_go_first(const struct engine_conf *c)
{
	struct directive d;

	return c->dirs.n == 0 && strlen(c->text) <= UNCHECKED_MAX &&
	    strchr(c->text, '\r') == NULL && !directive_parse(
	    directive_skip_space(c->text), &d);
}

int
native_compile(struct native **out, const struct engine_conf *c,
    struct lacks *lacks, struct err *e)
{
	struct native *n = calloc(1, sizeof(*n));

	if (n == NULL)
		return err_nomem(e);
	if (program_compile(&n->program, c, lacks) == -1) {
		free(n);
		return lacks->nomem ? err_nomem(e) : 0;
	}
	if (init_run(n, c, e) == -1) {
		native_free(n);
		return -1;
	}
	*out = n;
	return 1;
}

/* Appends an output of the filter. If the output must not be written, rejects
 * the record. */
static enum run_result
give_output(struct run *r, void *context, struct value v)
{
	struct outcome *o = context;
	size_t from = o->out.len;

	r->stop = NULL;
	if (v.kind != VALUE_OBJECT) {
		outcome_reject_type(o, value_kind_name(&v));
		return RUN_STOP;
	}
	if (!value_write(&r->values, &v, &o->out))
		return RUN_UNSURE;
	return outcome_end_output(o, from, r->max_record) ? RUN_ON : RUN_STOP;
}

/* Rejects the record for the failure of the filter. */
static void
reject_failure(const struct failure *f, struct outcome *o)
{
	outcome_reject(o, "filter", "%s", "");
	if (f->kind == FAILURE_REJECT) {
		memcpy(o->code, f->code.u.text, f->code.n);
		o->code[f->code.n] = '\0';
	}
	outcome_put_text(&o->message, f->text.u.text, f->text.n);
	if (f->kind == FAILURE_REJECT && f->pointer.kind == VALUE_STRING)
		outcome_put_text(&o->pointer, f->pointer.u.text, f->pointer.n);
}

bool
native_run(struct native *n, const struct json *j, struct outcome *o)
{
	struct run *r = &n->run;
	enum run_result rc;

	arena_clear(&r->values.arena);
	r->values.record = j;
	r->values.work = 0;
	r->values.numbers = NUMBERS_UNKNOWN;
	r->values.levels = 0;
	r->tries = 0;
	r->values.text.failed = false;
	rc = r->each(r, n->program.root, value_of_token(&r->values, 0),
	    give_output, o);
	if (rc == RUN_ERROR && r->tries == 0 &&
	    r->failure.kind != FAILURE_UNKNOWN)
		reject_failure(&r->failure, o);
	else if (rc == RUN_ERROR || rc == RUN_UNSURE) {
		outcome_clear(o);
		arena_clear(&r->values.arena);
		buf_release(&r->values.text);   /* memory for libjq */
		return false;
	}
	return true;
}
