/* For tests of dead letters: functions that write and store reject lines. */
#ifndef DB_LETTER_HELP_H
#define DB_LETTER_HELP_H

#include "db_help.h"

#include "base/base64.h"
#include "base/buf.h"
#include "base/hash.h"
#include "base/text.h"
#include "control/control.h"
#include "control/letters.h"
#include "json/write.h"

static inline int
setup_tables(void **state)
{
	struct env *v = *state;

	OK(v, control_ensure_tables(v->db, NULL, true, &v->e));
	return 0;
}

/* The id of the rejects that put_keyed_reject() writes. */
static inline void
keyed_id(char id[HASH_HEX], const char *key)
{
	const struct reject_place p = { .pipeline = "p", .table = "t" };
	struct err e;

	assert_int_equal(reject_id_key(id, &p, key, strlen(key), &e), 0);
}

static inline void
put_reject(struct buf *b, const char *id, const char *occurrence,
    const char *key, const char *raw, size_t len)
{
	buf_clear(b);
	buf_str(b, "{\"@etl\":\"reject\",\"v\":1");
	json_put_text(b, "id", id);
	json_put_text(b, "occurrence", occurrence);
	json_put_text(b, "pipeline", "p");
	json_put_text(b, "run", "r1");
	json_put_text(b, "stage", "transform");
	json_put_text(b, "code", "required");
	json_put_text(b, "message", "no title");
	json_put_text(b, "pointer", "/title");
	if (key != NULL)
		json_put_text(b, "target", "t");
	buf_str(b, ",\"origin\":{\"kind\":\"stdin\",\"line\":3");
	if (key != NULL)
		json_put_text(b, "key", key);
	buf_char(b, '}');
	if (utf8_valid_length(raw, len) == len)
		json_put_member(b, "raw", raw, len);
	else {
		buf_str(b, ",\"raw_base64\":\"");
		base64_put(b, raw, len);
		buf_char(b, '"');
	}
	buf_str(b, ",\"at\":\"2026-11-20T08:34:00.123456Z\"}");
}

/* A reject whose id is not made of its bytes. */
static inline void
reject(struct buf *b, const char *id, const char *occurrence,
    const char *raw, size_t len)
{
	put_reject(b, id, occurrence, NULL, raw, len);
}

/* A reject of a loader, whose id is made of the key. */
static inline void
keyed_reject(struct buf *b, const char *key, const char *occurrence,
    const char *raw)
{
	char id[HASH_HEX];

	keyed_id(id, key);
	put_reject(b, id, occurrence, key, raw, strlen(raw));
}

enum stored { FAILED = -1, KNOWN, NEW };

static inline enum stored
put_one(struct env *v, const char *line, size_t len)
{
	struct letter_text one = { line, len };
	int64_t added = 0;

	if (letters_store(v->db, &one, 1, 0, &added, &v->e) == -1)
		return FAILED;
	return added > 0 ? NEW : KNOWN;
}

static inline enum stored
put(struct env *v, const struct buf *b)
{
	enum stored s;

	OK(v, db_begin(v->db, &v->e));
	OK(v, s = put_one(v, b->data, b->len));
	OK(v, db_commit(v->db, &v->e));
	return s;
}

static inline void
check_raw(struct env *v, const char *id, const char *raw, size_t len)
{
	struct letter_filter f = { .id = id };
	struct letters *l;
	struct letter t;

	OK(v, letters_open(&l, v->db, &f, &v->e));
	assert_int_equal(letters_next(l, &t, &v->e), 1);
	assert_int_equal(t.raw_len, len);
	assert_int_equal(letters_read_raw(l, &t, &v->e), 1);
	assert_memory_equal(t.raw, raw, len);
	assert_string_equal(t.reject_id, id);
	assert_int_equal(letters_next(l, &t, &v->e), 0);
	letters_close(l);
}

#endif
