#include "singer/tap_state.h"

#include "base/clock.h"
#include "cursor/cursor.h"
#include "cursor/cursor_stored.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

/* Other programs accept a mark of up to twice --max-record. A checkpoint mark
 * has two values, and JSON escapes may double the length of each. So a value
 * may have half of --max-record. */
enum { VALUES_IN_RECORD = 2 };

static int
fail_long_state(const struct extract_opts *o, size_t n, struct err *e)
{
	return err_set(e, ERR_DATA, false, "the tap's STATE of %zu bytes is "
	    "too long: it may have at most half the bytes of --max-record (%"
	    PRIu64 "): raise --max-record", n, o->max_record);
}

static int
fail_not_state(const struct tap_state *t, struct err *e)
{
	return err_set(e, ERR_CONFIG, false, "checkpoint %.64s: its value "
	    "'%.200s' is not a STATE of a Singer tap, which is a JSON object: "
	    "give another name to --checkpoint, or store a STATE with "
	    "etl-checkpoint set", t->o->checkpoint, t->stored);
}

/* Checks that the stored checkpoint is a JSON object. It counts as the STATE of
 * the last mark. */
static int
take_stored(struct tap_state *t, struct err *e)
{
	struct json j = { 0 };
	struct json_fault f = { 0 };
	int rc = json_scan(&j, t->stored, strlen(t->stored), 0, JSON_LAST, &f);

	if (rc == 0 && j.tok[0].type != JSON_OBJECT)
		rc = -1;
	json_release(&j);
	if (rc == -1)
		return f.nomem ? err_nomem(e) : fail_not_state(t, e);
	buf_str(&t->marked, t->stored);
	if (t->marked.full)
		return fail_long_state(t->o, strlen(t->stored), e);
	return buf_check(&t->marked, e);
}

int
tap_state_init(struct tap_state *t, const struct extract_opts *o, struct err *e)
{
	const size_t longest = o->max_record / VALUES_IN_RECORD;

	*t = (struct tap_state){ .o = o, .marked_at = clock_ms() };
	buf_init(&t->marked, longest);
	buf_init(&t->held, longest);
	if (o->checkpoint == NULL)
		return 0;
	if (cursor_stored_read(o, &t->stored, &t->version, e) == -1)
		return -1;
	return t->stored == NULL ? 0 : take_stored(t, e);
}

void
tap_state_release(struct tap_state *t)
{
	buf_release(&t->marked);
	buf_release(&t->held);
	free(t->stored);
	t->stored = NULL;
}

static bool
is_marked(const struct tap_state *t, const char *value, size_t n)
{
	return t->marked.len == n && memcmp(t->marked.data, value, n) == 0;
}

/* Stores a STATE for the next mark. A STATE that equals the one of the last
 * mark gets no mark, because the loader may commit at a mark: the next run
 * would start from the same STATE, read the committed records again, and load
 * them twice. */
int
tap_state_hold(struct tap_state *t, const char *value, size_t n, struct err *e)
{
	t->has_open_records = false;
	t->is_held = false;
	if (t->o->checkpoint == NULL || is_marked(t, value, n))
		return 0;
	buf_clear(&t->held);
	buf_add(&t->held, value, n);
	if (t->held.full)
		return fail_long_state(t->o, n, e);
	if (buf_check(&t->held, e) == -1)
		return -1;
	t->is_held = true;
	return 0;
}

void
tap_state_note_record(struct tap_state *t)
{
	t->is_held = false;
	t->has_open_records = true;
	t->since_mark++;
}

int
tap_state_wait_ms(const struct tap_state *t)
{
	int64_t left = t->marked_at + MARK_MS - clock_ms();

	if (!t->is_held)
		return -1;
	return t->since_mark >= MARK_RECORDS || left <= 0 ? 0 : (int)left;
}

int
tap_state_write_mark(
    struct tap_state *t, struct stage *s, struct err *e)
{
	const struct checkpoint_mark m = { .name = t->o->checkpoint,
	    .value = buf_text(&t->held), .from = t->stored,
	    .version = (uint64_t)t->version };

	if (t->o->checkpoint != NULL)
		stage_set_version(s, (uint64_t)t->version);
	if (!t->is_held)
		return 0;
	if (buf_check(&t->held, e) == -1)
		return -1;
	buf_clear(&t->marked);
	buf_add(&t->marked, t->held.data, t->held.len);
	if (buf_check(&t->marked, e) == -1)
		return -1;
	t->is_held = false;
	t->since_mark = 0;
	t->marked_at = clock_ms();
	return stage_checkpoint(s, &m, e);
}
