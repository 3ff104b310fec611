#include "base/base64.h"
#include "base/text.h"
#include "dlq.h"
#include "json/write.h"
#include "stream/reject.h"

#include <string.h>

/* PART: write_raw_member() converts so many bytes of a record at a time. It is
 * a multiple of three, so that the base64 texts of the parts can be joined.
 * NAMED: left_out_add() warns of so many letters, and only counts the
 * others. */
enum { PART = 48 << 10, NAMED = 20 };

/* Appends a member if the text is not empty. */
static void
put_text_member(struct buf *b, const char *name, const char *s)
{
	if (s != NULL && *s != '\0')
		json_put_text(b, name, s);
}

/* Writes JSON text. Escapes the control characters that a terminal could obey:
 * in JSON text they occur only inside strings, where the escape, such as
 * \u009b, means the same character. */
static int
write_escaped(struct out *out, const char *p, size_t n, struct err *e)
{
	struct buf b;
	int rc;

	buf_init(&b, SIZE_MAX / 4);
	text_show(&b, p, n);
	rc = buf_check(&b, e);
	if (rc == 0)
		rc = out_write_part(out, b.data, b.len, e);
	buf_release(&b);
	return rc;
}

/* Returns the length of the next part. It ends between two characters. */
static size_t
cut_part(const char *p, size_t n)
{
	if (n <= PART)
		return n;
	n = PART;
	while (n > PART - 4 && ((unsigned char)p[n] & 0xc0) == 0x80)
		n--;
	return n;
}

/* Writes the bytes of the rejected record as the member "raw", or as
 * "raw_base64" (reject_raw_is_text()). The bytes are escaped and written in
 * parts, so that no second copy of a large record is in memory. */
int
write_raw_member(struct out *out, const struct letter *l, struct err *e)
{
	bool text = reject_raw_is_text(l->raw, l->raw_len);
	const char *p = l->raw, *end = p + l->raw_len;
	const char *name = text ? ",\"raw\":\"" : ",\"raw_base64\":\"";
	struct buf b;
	size_t n;
	int rc = out_write_part(out, name, strlen(name), e);

	buf_init(&b, SIZE_MAX / 4);
	for (; rc == 0 && p < end; p += n) {
		n = (size_t)(end - p);
		if (text)
			n = cut_part(p, n);
		else if (n > PART)
			n = PART;
		buf_clear(&b);
		if (text)
			json_put_string(&b, p, n);
		else
			base64_put(&b, p, n);
		if ((rc = buf_check(&b, e)) == -1)
			break;
		rc = text ? write_escaped(
				out, b.data + 1, b.len - 2, e)
			  : out_write_part(out, b.data, b.len, e);
	}
	buf_release(&b);
	return rc == 0 ? out_write_part(out, "\"", 1, e) : rc;
}

static void
put_letter_members(struct buf *b, const struct letter *l)
{
	json_put_int(b, "letter", l->id);
	put_text_member(b, "id", l->reject_id);
	put_text_member(b, "status", l->status);
	put_text_member(b, "pipeline", l->pipeline);
	put_text_member(b, "stream", l->stream);
	put_text_member(b, "stage", l->stage);
	put_text_member(b, "target", l->target);
	put_text_member(b, "code", l->code);
	put_text_member(b, "message", l->message);
	put_text_member(b, "pointer", l->pointer);
	if (l->origin != NULL && *l->origin != '\0')
		json_put_raw(b, "origin", l->origin, strlen(l->origin));
	put_text_member(b, "sqlstate", l->sqlstate);
	if (l->http_status != 0)
		json_put_int(b, "http_status", l->http_status);
	if (l->retryable)
		json_put_raw(b, "retryable", "true", 4);
	put_text_member(b, "reason", l->reason);
	json_put_int(b, "attempts", l->attempts);
	json_put_int(b, "resolved_upto", l->resolved_upto);
	put_text_member(b, "run", l->run);
	put_text_member(b, "created_at", l->created_at);
	put_text_member(b, "last_seen_at", l->last_seen_at);
	put_text_member(b, "resolved_at", l->resolved_at);
	put_text_member(b, "resolved_by_run", l->resolved_by_run);
	put_text_member(b, "erased_at", l->erased_at);
	if (l->bytes != 0) {
		json_put_raw(b, "cut", "true", 4);
		json_put_int(b, "bytes", l->bytes);
		put_text_member(b, "sha256", l->sha256);
	}
}

static int
write_occurrence(struct dlq *d, const struct occurrences *o, bool first,
    struct err *e)
{
	struct buf b;
	int rc;

	buf_init(&b, SIZE_MAX / 4);
	if (!first)
		buf_char(&b, ',');
	buf_char(&b, '{');
	put_text_member(&b, "occurrence", o->t.occurrence);
	put_text_member(&b, "at", o->t.at);
	put_text_member(&b, "message", o->t.message);
	rc = buf_check(&b, e);
	if (rc == 0)
		rc = write_escaped(d->out, b.data, b.len, e);
	buf_release(&b);
	if (rc == 0 && o->t.has_own_bytes && o->t.raw != NULL)
		rc = write_raw_member(d->out, &o->with_its_bytes, e);
	return rc == 0 ? out_write_part(d->out, "}", 1, e) : rc;
}

static int
write_occurrences(struct dlq *d, const struct letter *l, struct err *e)
{
	static const char name[] = ",\"occurrences\":[";
	struct occurrences o;
	bool first = true;
	int more = occurrences_open(&o, d, l, TIMES_ALL, e);

	if (more == 0)
		more = out_write_part(d->out, name, sizeof(name) - 1, e);
	while (more != -1 && (more = occurrences_next(&o, e)) == 1) {
		if (write_occurrence(d, &o, first, e) == -1)
			more = -1;
		first = false;
	}
	occurrences_close(&o);
	return more == -1 ? -1 : out_write_part(d->out, "]", 1, e);
}

int
print_letter_json(struct dlq *d, struct letters *from, struct letter *l,
    bool times, struct err *e)
{
	struct buf b;
	int rc;

	if ((rc = letters_read_raw(from, l, e)) == -1)
		return -1;
	buf_init(&b, SIZE_MAX / 4);
	buf_char(&b, '{');
	put_letter_members(&b, l);
	if (buf_check(&b, e) == -1 ||
	    write_escaped(d->out, b.data, b.len, e) == -1)
		goto fail;
	buf_release(&b);
	if (times && write_occurrences(d, l, e) == -1)
		return -1;
	if (rc == 1 && l->erased_at == NULL &&
	    write_raw_member(d->out, l, e) == -1)
		return -1;
	return out_write_line(d->out, "}", 1, e);
fail:
	buf_release(&b);
	return -1;
}

void
left_out_add(struct left_out *o, const struct letter *l, const char *why)
{
	if (o->n++ < NAMED)
		err_warnf("etl-dlq", "%s: letter %lld is left out: %s",
		    o->command, (long long)l->id, why);
}

void
left_out_print_total(const struct left_out *o)
{
	if (o->n > 0)
		err_warnf("etl-dlq", "%s: %llu letter%s left out", o->command,
		    (unsigned long long)o->n, o->n == 1 ? " was" : "s were");
}

/* The sub-command export: writes each dead letter (a rejected record in the
 * database) as reject lines, one for each time that the record was rejected.
 * etl-dlq put can read these lines. */

static void
put_reject_members(
    struct buf *b, const struct letter *l, const struct letter_occurrence *t)
{
	buf_str(b, "{\"@etl\":\"reject\",\"v\":1");
	json_put_text(b, "id", l->reject_id);
	json_put_text(b, "occurrence", t->occurrence);
	/* The id of an occurrence in a run of etl-run is "UUID/...". */
	if (l->run != NULL)
		json_put_member(b, "run", t->occurrence,
		    strcspn(t->occurrence, "/"));
	put_text_member(b, "pipeline", l->pipeline);
	put_text_member(b, "stream", l->stream);
	put_text_member(b, "stage", l->stage);
	put_text_member(b, "target", l->target);
	put_text_member(b, "code", l->code);
	put_text_member(b, "message", t->message);
	put_text_member(b, "pointer", l->pointer);
	if (l->origin != NULL)
		json_put_raw(b, "origin", l->origin, strlen(l->origin));
	put_text_member(b, "sqlstate", l->sqlstate);
	if (l->http_status != 0)
		json_put_int(b, "http_status", l->http_status);
	if (l->retryable)
		json_put_raw(b, "retryable", "true", 4);
	if (l->bytes != 0) {
		json_put_int(b, "bytes", l->bytes);
		put_text_member(b, "sha256", l->sha256);
	}
	put_text_member(b, "at", t->at);
}

static int
write_reject_line(struct dlq *d, const struct letter *l,
    const struct letter_occurrence *t, struct err *e)
{
	struct buf b;
	int rc;

	buf_init(&b, SIZE_MAX / 4);
	put_reject_members(&b, l, t);
	rc = buf_check(&b, e);
	if (rc == 0)
		rc = out_write_part(d->out, b.data, b.len, e);
	buf_release(&b);
	if (rc == 0)
		rc = write_raw_member(d->out, l, e);
	return rc == 0 ? out_write_line(d->out, "}", 1, e) : rc;
}

/* Writes a reject line for each occurrence of the letter. Leaves out those
 * whose bytes were erased. */
static int
write_letter(struct dlq *d, const struct letter *l, struct left_out *left,
    struct err *e)
{
	struct occurrences o;
	int more = occurrences_open(&o, d, l, TIMES_ALL, e);

	while (more != -1 && (more = occurrences_next(&o, e)) == 1) {
		if (o.with_its_bytes.raw == NULL)
			left_out_add(left, l,
			    "the bytes of one of its rejections were erased");
		else if (write_reject_line(
			     d, &o.with_its_bytes, &o.t, e) == -1)
			more = -1;
	}
	occurrences_close(&o);
	return more;
}

static int
export_letter(struct dlq *d, struct letters *from, struct letter *l,
    struct left_out *left, struct err *e)
{
	if (l->erased_at != NULL) {
		left_out_add(left, l, "its bytes were erased");
		return 0;
	}
	switch (letters_read_raw(from, l, e)) {
	case -1:
		return -1;
	case 0:
		left_out_add(left, l, "another command changed it while it was "
		    "read");
		return 0;
	default:
		return write_letter(d, l, left, e);
	}
}

int
export_command(struct dlq *d, struct err *e)
{
	struct left_out left = { "export", 0 };
	struct letters *letters = NULL;
	struct letter l;
	int more = -1;

	if (dlq_open_database(d, e) == -1 || letters_open(&letters, d->db,
	    &d->selection.filter, e) == -1)
		goto out;
	while ((more = letters_next(letters, &l, e)) == 1)
		if (export_letter(d, letters, &l, &left, e) == -1) {
			more = -1;
			break;
		}
	left_out_print_total(&left);
out:
	letters_close(letters);
	return more;
}
