/* Writes the records of one dead letter into the stream of a replay, and the
 * mark resolve after them. */
#include "replay_letter.h"

#include "json/write.h"

#include <string.h>

/* Returns the reason why the record is too long, or NULL. The stage that reads
 * a record longer than --max-record would reject it again and keep only its
 * start: that would be another dead letter with another id. */
static const char *
why_too_long(const struct dlq *d, const struct letter *l)
{
	uint64_t most = d->opts->max_record > 0 ? d->opts->max_record :
	    LINES_MAX;

	return l->raw_len > most ? "its record is longer than --max-record" :
	    NULL;
}

/* True if the stage extract has rejected the record. etl-extract reads records
 * of many forms, and some contain newlines. They are therefore written as raw
 * marks and not as lines. A second etl-extract of a stream, such as one with
 * --each, has another name (extract.2) and reads lines. */
static bool
is_of_extract(const struct letter *l)
{
	return strcmp(l->stage, "extract") == 0;
}

/* Returns the reason why a letter cannot be replayed, or NULL. */
static const char *
why_not_replayable(const struct dlq *d, const struct letter *l)
{
	if (l->erased_at != NULL)
		return "its bytes were erased";
	if (l->bytes != 0)
		return "only the start of its record was kept";
	if (is_of_extract(l))
		return l->raw_len > 0 ? why_too_long(d, l) :
		    "its record is empty";
	if (strspn(l->raw, " \t\r") >= l->raw_len)
		return "its record is empty";
	if (memchr(l->raw, '\n', l->raw_len) != NULL)
		return "it is more than one line: see etl-dlq show --raw";
	if (is_mark_line(l->raw, l->raw_len))
		return "its record looks like a mark (reserved)";
	return why_too_long(d, l);
}

static void
put_member(struct buf *b, const char *name, const struct json *j,
    uint32_t value)
{
	json_put_raw(b, name, "", 0);
	json_put_compact(b, j, value);
}

/* Appends the members of the letter's origin, which says where etl-extract
 * found the record. If the record is rejected again, its reject gets the same
 * origin. The names of the columns are a member of the mark itself. */
static int
put_origin(struct buf *b, const struct letter *l, struct err *e)
{
	struct json_fault f = { 0 };
	struct json j = { 0 };
	uint32_t columns;

	if (l->origin == NULL || *l->origin == '\0')
		return 0;
	if (json_scan(&j, l->origin, strlen(l->origin), 1, JSON_LAST, &f) ==
		-1 || j.tok[0].type != JSON_OBJECT) {
		json_release(&j);
		return f.nomem ? err_nomem(e) : 0;
	}
	if ((columns = json_member_value(&j, 0, "columns", 7)) != 0)
		put_member(b, "columns", &j, columns);
	json_put_raw(b, "origin", "{", 1);
	for (uint32_t i = 1; i < j.tok[0].next; i = j.tok[i + 1].next) {
		if (i + 1 == columns)
			continue;
		if (b->len > 0 && b->data[b->len - 1] != '{')
			buf_char(b, ',');
		buf_add(b, j.text + j.tok[i].at, j.tok[i].len);
		buf_char(b, ':');
		json_put_compact(b, &j, i + 1);
	}
	buf_char(b, '}');
	json_release(&j);
	return 0;
}

static int
write_raw_mark(void *self, struct out *out, struct err *e)
{
	const struct letter *l = self;
	struct buf b;
	int rc;

	buf_init(&b, SIZE_MAX / 4);
	buf_str(&b, "{\"@etl\":\"raw\"");
	json_put_text(&b, "id", l->reject_id);
	rc = put_origin(&b, l, e);
	if (rc == 0)
		rc = buf_check(&b, e);
	if (rc == 0)
		rc = out_write_part(out, b.data, b.len, e);
	buf_release(&b);
	if (rc == 0)
		rc = write_raw_member(out, l, e);
	return rc == 0 ? out_write_part(out, "}", 1, e) : rc;
}

static int
emit_record(struct stage *s, const struct letter *l, struct err *e)
{
	struct letter copy = *l;

	return is_of_extract(l) ?
	    stage_emit_raw(s, write_raw_mark, &copy, e) :
	    stage_emit(s, l->raw, l->raw_len, e);
}

/* Writes the bytes of each open occurrence (rejection that is not settled), the
 * oldest first. With --once, writes equal bytes only once. */
static int
emit_occurrences(struct dlq *d, struct stage *s, const struct letter *l,
    struct err *e)
{
	struct occurrences o;
	int more = occurrences_open(&o, d, l,
	    d->opts->once ? TIMES_OPEN_DISTINCT : TIMES_OPEN, e);

	while (more != -1 && (more = occurrences_next(&o, e)) == 1)
		if (o.with_its_bytes.raw == NULL)
			err_warnf("etl-dlq", "replay: letter %lld: the bytes "
			    "of one of its rejections were erased",
			    (long long)l->id);
		else if (emit_record(s, &o.with_its_bytes, e) == -1)
			more = -1;
	occurrences_close(&o);
	return more;
}

/* Writes the records of the letter and the mark resolve. */
static int
emit_letter(struct dlq *d, struct stage *s, const struct letter *l,
    struct err *e)
{
	int64_t open = l->attempts - l->resolved_upto;
	struct resolve_mark m = { .id = l->reject_id,
	    .seen = (uint64_t)l->attempts,
	    .upto = (uint64_t)l->resolved_upto };

	if (l->has_own_bytes) {
		if (emit_occurrences(d, s, l, e) == -1)
			return -1;
		return stage_resolve(s, &m, e);
	}
	if (d->opts->once || open < 1)
		open = 1;
	while (open-- > 0)
		if (emit_record(s, l, e) == -1)
			return -1;
	return stage_resolve(s, &m, e);
}

/* Returns 1 if all records of the letter can be replayed; 0 with the reason in
 * *why; -1 on failure. If one occurrence cannot be replayed, the whole letter
 * is left out, because the mark resolve settles all of its occurrences. */
static int
check_replayable(struct dlq *d, const struct letter *l, const char **why,
    struct err *e)
{
	struct occurrences o;
	int more;

	if ((*why = why_not_replayable(d, l)) != NULL)
		return 0;
	if (!l->has_own_bytes)
		return 1;
	more = occurrences_open(&o, d, l, TIMES_OPEN, e);
	while (more != -1 && *why == NULL &&
	    (more = occurrences_next(&o, e)) == 1)
		if (o.with_its_bytes.raw != NULL)
			*why = why_not_replayable(d, &o.with_its_bytes);
	occurrences_close(&o);
	return more == -1 ? -1 : *why == NULL;
}

int
replay_letter(struct dlq *d, struct stage *s, struct letters *from,
    struct letter *l, struct left_out *left, struct err *e)
{
	const char *why = why_too_long(d, l);
	int rc = why == NULL ? letters_read_raw(from, l, e) : 0;

	if (rc == 0 && why == NULL)
		why = "another command changed it while it was read";
	if (rc == 1)
		rc = check_replayable(d, l, &why, e);
	if (rc == 1)
		return emit_letter(d, s, l, e);
	if (rc == 0)
		left_out_add(left, l, why);
	return rc;
}
