#include "base/clock.h"
#include "cursor/cursor_impl.h"
#include "cursor/validators.h"
#include "http/url.h"

#include <string.h>

/* Makes the key under which the ETag or Last-Modified value is stored: the URL
 * of the request without the parameter of --since-param. */
static int
make_url_key(const struct cursor *c, const struct request *r, struct buf *key,
    struct err *e)
{
	buf_init(key, r->url.max);
	buf_add(key, r->url.data, r->url.len);
	query_remove(key, c->o->since_param, strlen(c->o->since_param));
	(void)buf_text(key);
	return buf_check(key, e);
}

int
cursor_put_condition(struct cursor *c, struct request *r, struct err *e)
{
	struct buf key;
	int rc;

	if (c->validators == NULL || c->o->since != NULL)
		return 0;
	rc = make_url_key(c, r, &key, e);
	if (rc == 0)
		rc = validators_put_header(&r->condition, c->validators,
		    key.data, e);
	buf_release(&key);
	return rc;
}

int
cursor_note_validators(struct cursor *c, const struct request *r,
    const struct http_answer *a, struct err *e)
{
	struct buf key;
	int rc;

	if (!c->o->conditional)
		return 0;
	if (a->is_unchanged) {
		buf_str(&c->new_validators, c->validators);
		return buf_check(&c->new_validators, e);
	}
	rc = make_url_key(c, r, &key, e);
	if (rc == 0)
		rc = validators_put_answer(&c->new_validators, key.data, a, e);
	buf_release(&key);
	return rc;
}

int
cursor_fail_kind(const struct cursor_field *f, struct err *e)
{
	return err_set(e, ERR_CONFIG, false, "the cursor value that is stored "
	    "or given is %s, but no record has such a value in %.64s: check "
	    "that --cursor-field and --checkpoint belong together",
	    value_kind_name(f->expected), f->pointer);
}

/* True if the highest cursor value that this run has read is above the stored
 * checkpoint. Otherwise a checkpoint mark (a line that tells the loader to
 * store this value) would not move the stored checkpoint forward. */
bool
cursor_is_past(const struct cursor *c)
{
	return c->stored == NULL || value_compare(c->field.kind,
	    c->highest.data, c->highest.len, c->stored,
	    strlen(c->stored)) > 0;
}

int
cursor_write_mark(struct cursor *c, struct stage *s, const char *value,
    const char *validators, struct err *e)
{
	const struct checkpoint_mark m = { .name = c->o->checkpoint,
	    .value = value, .from = c->stored,
	    .version = (uint64_t)c->version, .validators = validators };

	c->unmarked = false;
	c->since_mark = 0;
	c->marked_at = clock_ms();
	return stage_checkpoint(s, &m, e);
}

/* Only this last mark contains the validators of the first page, because only
 * now all pages have been read. If only the validators have changed, the mark
 * contains the stored cursor value. Writes the last checkpoint mark if the
 * highest cursor value or the validators have changed. */
static int
write_last_mark(struct cursor *c, struct stage *s, struct err *e)
{
	bool risen = c->highest.len > 0 && cursor_is_past(c);
	const char *value = risen ? buf_text(&c->highest) : c->stored;
	const char *validators = NULL;

	if (c->new_validators.len > 0)
		validators = buf_text(&c->new_validators);
	if (buf_check(&c->new_validators, e) == -1 ||
	    buf_check(&c->highest, e) == -1)
		return -1;
	if (!(c->unmarked && risen) && (value == NULL || validators == NULL ||
	    (c->validators != NULL && strcmp(c->validators, validators) == 0)))
		return 0;
	return cursor_write_mark(c, s, value, validators, e);
}

int
cursor_finish(struct cursor *c, struct stage *s, struct err *e)
{
	const struct cursor_field *f = &c->field;

	stage_set_version(s, (uint64_t)c->version);
	if (c->accepted == 0 && f->missing > 0 && f->wrong_kind == 0)
		err_warnf("etl-extract", "%.64s is not in any of %llu "
		    "records, so all of them are rejected: check "
		    "--cursor-field", f->pointer,
		    (unsigned long long)f->missing);
	if (c->accepted == 0 && f->wrong_kind > 0)
		return cursor_fail_kind(f, e);
	return write_last_mark(c, s, e);
}
