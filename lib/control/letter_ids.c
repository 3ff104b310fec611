#include "control/letter_ids.h"

#include "base/reject_id.h"
#include "json/write.h"

#include <errno.h>
#include <string.h>

static bool
line_has_id(const struct letter_line *l, const char *id)
{
	const struct db_value *v = &l->v[LETTER_ID];

	return v->len == HASH_HEX - 1 && memcmp(v->p, id, v->len) == 0;
}

/* The loader may compute a reject id from the table and the key of the record;
 * the key is the member "key" of origin. Returns 1 if the line has this id, 0
 * if not, -1 with *e. */
static int
line_has_key_id(struct letter_line *l, const struct reject_place *p,
    struct err *e)
{
	const struct db_value *origin = &l->v[LETTER_ORIGIN];
	struct json_fault fault;
	char id[HASH_HEX];
	uint32_t key;

	if (p->table == NULL || origin->type == DB_NULL)
		return 0;
	if (json_scan(&l->inner, origin->p, origin->len, 1, JSON_LAST,
	    &fault) == -1)
		return fault.nomem ? err_nomem(e) : 0;
	key = json_member_value(&l->inner, 0, "key", 3);
	if (key == 0 || l->inner.tok[key].type != JSON_STRING)
		return 0;
	buf_clear(&l->scratch);
	json_unescape(&l->scratch, &l->inner, key);
	if (buf_check(&l->scratch, e) == -1 ||
	    reject_id_key(id, p, l->scratch.data, l->scratch.len, e) == -1)
		return -1;
	return line_has_id(l, id);
}

int
letter_line_own_id(struct letter_line *l, struct err *e)
{
	const struct db_value *v = l->v, *raw = &v[LETTER_RAW];
	const struct reject_place place = { .pipeline = v[LETTER_PIPELINE].p,
		.stream = v[LETTER_STREAM].p, .stage = v[LETTER_STAGE].p,
		.table = v[LETTER_TARGET].p };
	int by_key;

	if (reject_id_record(l->own_id, &place, raw->p, raw->len,
	    v[LETTER_SHA256].p, e) == -1)
		return -1;
	if (line_has_id(l, l->own_id))
		return 0;
	if ((by_key = line_has_key_id(l, &place, e)) != 0)
		return by_key == -1 ? -1 : 0;
	l->v[LETTER_OWN_ID] = db_text(l->own_id);
	return 0;
}

void
letters_warn_ids(int64_t n)
{
	if (n > 0)
		err_warnf(program_invocation_short_name, "%lld reject line%s "
		    "the id of a dead letter with another record: stored as %s "
		    "with the id of %s own record", (long long)n,
		    n == 1 ? " has" : "s have",
		    n == 1 ? "a letter" : "letters", n == 1 ? "its" : "their");
}
