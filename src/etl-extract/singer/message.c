#include "singer/message.h"

#include "base/text.h"
#include "file/file_format.h"
#include "json/write.h"
#include "stream/mark.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

enum { WHY_MAX = 4096 };

int
singer_init(struct singer *s, const struct extract *x, const char *name,
    struct err *e)
{
	*s = (struct singer){ .o = &x->opts, .name = name,
	    .is_child = x->is_child };
	buf_init(&s->record, 2 * (size_t)x->opts.max_record + SINGER_ENVELOPE);
	buf_init(&s->text, (size_t)x->opts.max_record + SINGER_ENVELOPE);
	buf_init(&s->why, WHY_MAX);
	s->has_come = calloc(x->opts.select.n + 1, sizeof(*s->has_come));
	return s->has_come != NULL ? 0 : err_nomem(e);
}

void
singer_release(struct singer *s)
{
	json_release(&s->j);
	buf_release(&s->record);
	buf_release(&s->text);
	buf_release(&s->why);
	free(s->has_come);
}

/* Prints a warning. A child of --jobs must not print, so it fails instead. The
 * parent process then reads the file again and prints the warning. */
static int __attribute__((format(printf, 3, 4)))
warn_in_parent(struct singer *s, struct err *e, const char *fmt, ...)
{
	va_list ap;
	char text[512];

	if (s->is_child)
		return err_set(e, ERR_DATA, false, "a line must be printed");
	va_start(ap, fmt);
	(void)vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	err_warnf("etl-extract", "%s: %s", s->name, text);
	return 0;
}

/* Sets the reject of the item. Returns SINGER_ITEM. */
static enum singer_result
fill_item_reject(struct item *it, const char *code, const char *pointer,
    const char *message)
{
	it->code = code;
	it->pointer = pointer;
	it->message = message;
	return SINGER_ITEM;
}

static enum singer_result
reject_too_long(struct singer *s, struct item *it, uint64_t bytes,
    struct err *e)
{
	buf_printf(&s->why, "%" PRIu64 " bytes, more than --max-record "
	    "%" PRIu64, bytes, s->o->max_record);
	(void)buf_text(&s->why);
	return buf_check(&s->why, e) == -1 ? SINGER_FAILED :
	    fill_item_reject(it, "too_long", NULL, s->why.data);
}

/* Rejects a record that is longer than --max-record, although its line is
 * within the limit for lines. */
static enum singer_result
reject_long(struct singer *s, struct item *it, struct err *e)
{
	struct line *l = &it->line;

	hash_bytes(l->data, l->len, l->sha256);
	l->too_long = true;
	l->len = l->len < LINES_KEPT ? l->len : LINES_KEPT;
	return reject_too_long(s, it, s->record.len, e);
}

static enum singer_result
reject_not_json(struct singer *s, struct item *it,
    const struct json_fault *f, struct err *e)
{
	char text[256];

	if (f->nomem)
		return err_nomem(e);
	json_fault_text(text, sizeof(text), f);
	buf_str(&s->why, text);
	(void)buf_text(&s->why);
	return buf_check(&s->why, e) == -1 ? SINGER_FAILED :
	    fill_item_reject(it, f->code, NULL, s->why.data);
}

/* Returns the value of a member of the message if it has this type, else 0. */
static uint32_t
find_member(const struct singer *s, const char *name, enum json_type type)
{
	uint32_t i = json_member_value(&s->j, 0, name, strlen(name));

	return i != 0 && s->j.tok[i].type == type ? i : 0;
}

/* Decodes a string token into s->text. */
static int
unescape_token(struct singer *s, uint32_t i, struct err *e)
{
	buf_clear(&s->text);
	json_unescape(&s->text, &s->j, i);
	(void)buf_text(&s->text);
	return buf_check(&s->text, e);
}

/* Returns 1 if --select permits the stream, whose name is a string token, else
 * 0. Notes that the stream was seen. */
static int
is_selected(struct singer *s, uint32_t stream, struct err *e)
{
	const struct opt_list *l = &s->o->select;
	int found = l->n == 0;

	if (l->n == 0)
		return 1;
	if (unescape_token(s, stream, e) == -1)
		return -1;
	for (size_t i = 0; i < l->n; i++)
		if (strlen(l->v[i]) == s->text.len &&
		    memcmp(l->v[i], s->text.data, s->text.len) == 0)
			found = s->has_come[i] = true;
	return found;
}

static bool
has_member(const struct singer *s, uint32_t record, const char *field)
{
	return field != NULL &&
	    json_member_value(&s->j, record, field, strlen(field)) != 0;
}

/* Makes the record from the value at token `record`. Adds the members of
 * --select-as and --source-file. */
static int
make_record(struct singer *s, uint32_t record, uint32_t stream,
    const struct item *it, struct err *e)
{
	const struct json_tok *name = &s->j.tok[stream];
	struct buf *b = &s->record;

	buf_clear(b);
	json_put_compact(b, &s->j, record);
	if (buf_check(b, e) == -1)
		return -1;
	if (s->o->select_as != NULL) {
		b->len--;
		if (b->data[b->len - 1] != '{')
			buf_char(b, ',');
		json_put_string(b, s->o->select_as, strlen(s->o->select_as));
		buf_char(b, ':');
		buf_add(b, s->j.text + name->at, name->len);
		buf_char(b, '}');
	}
	if (s->o->source_file != NULL && it->is_in_file)
		path_member_add(b, s->o->source_file, it->uri);
	return buf_check(b, e);
}

static enum singer_result
read_record(struct singer *s, struct item *it, struct err *e)
{
	uint32_t stream = find_member(s, "stream", JSON_STRING);
	uint32_t record = find_member(s, "record", JSON_OBJECT);
	const struct json_tok *r = &s->j.tok[record];
	int rc;

	if (stream == 0)
		return fill_item_reject(it, "required", "/stream",
		    "the RECORD message "
		    "has no name of a stream in \"stream\"");
	if ((rc = is_selected(s, stream, e)) != 1)
		return rc == 0 ? SINGER_NOTHING : SINGER_FAILED;
	if (record == 0)
		return fill_item_reject(it, "required", "/record",
		    "the RECORD message has no object in \"record\"");
	if (is_mark_line(s->j.text + r->at, r->len))
		return fill_item_reject(it, "reserved", "/record",
		    "a record may not begin with the member @etl");
	if (has_member(s, record, s->o->select_as))
		return fill_item_reject(it, "duplicate_member", "/record",
		    "the record already has the member of --select-as");
	if (it->is_in_file && has_member(s, record, s->o->source_file))
		return fill_item_reject(it, "duplicate_member", "/record",
		    "the record already has the member of --source-file");
	if (make_record(s, record, stream, it, e) == -1)
		return SINGER_FAILED;
	if (s->record.len > s->o->max_record)
		return reject_long(s, it, e);
	it->record = s->record.data;
	it->record_len = s->record.len;
	return SINGER_ITEM;
}

static enum singer_result
read_state(struct singer *s, struct item *it, struct singer_value *state)
{
	uint32_t i = find_member(s, "value", JSON_OBJECT);

	if (i == 0)
		return fill_item_reject(it, "required", "/value",
		    "the STATE message has no object in \"value\"");
	*state = (struct singer_value){ s->j.text + s->j.tok[i].at,
	    s->j.tok[i].len };
	return SINGER_STATE;
}

/* Notes that the stream was seen, for --select: a stream may have only a SCHEMA
 * message and no record. */
static enum singer_result
note_schema_stream(struct singer *s, struct err *e)
{
	uint32_t stream = find_member(s, "stream", JSON_STRING);

	return stream != 0 && is_selected(s, stream,
	    e) == -1 ? SINGER_FAILED : SINGER_NOTHING;
}

/* Warns of the first message ACTIVATE_VERSION. */
static enum singer_result
warn_version(struct singer *s, struct err *e)
{
	if (s->has_noted_version)
		return SINGER_NOTHING;
	s->has_noted_version = true;
	return warn_in_parent(s, e,
	    "ACTIVATE_VERSION: the tap has read a stream as a "
	    "whole; rows that are not in it any more stay in the table, unless "
	    "etl-load removes them (--mode replace or mirror)");
}

static enum singer_result
fail_batch(const struct singer *s, struct err *e)
{
	return err_set(e, ERR_CONFIG, false, "%s: a BATCH message, whose "
	    "records are in other files: make the tap write RECORD messages, "
	    "without batch_config in its configuration", s->name);
}

/* Skips a message of an unknown type, which the specification permits. Warns
 * once for each of the first SINGER_UNKNOWN types. The type is in s->text;
 * text_show() escapes control characters, which could harm a terminal. */
static enum singer_result
skip_unknown_type(struct singer *s, struct err *e)
{
	char *to;

	text_show(&s->why, s->text.data,
	    text_cut_length(s->text.data, s->text.len, SINGER_TYPE_SHOWN));
	(void)buf_text(&s->why);
	if (buf_check(&s->why, e) == -1)
		return SINGER_FAILED;
	for (size_t i = 0; i < s->n_unknown; i++)
		if (strcmp(s->unknown[i], s->why.data) == 0)
			return SINGER_NOTHING;
	if (s->n_unknown == SINGER_UNKNOWN)
		return SINGER_NOTHING;
	to = s->unknown[s->n_unknown++];
	(void)snprintf(to, SINGER_TYPE, "%s", s->why.data);
	return warn_in_parent(s, e, "messages of the type %s are skipped", to);
}

/* The types of messages are compared without regard to case, as the
 * specification says. */
static enum singer_result
read_message(struct singer *s, struct item *it, struct singer_value *state,
    struct err *e)
{
	uint32_t type = find_member(s, "type", JSON_STRING);

	if (type == 0)
		return fill_item_reject(it, "required", "/type",
		    "not a Singer message: it has no text in \"type\"");
	if (unescape_token(s, type, e) == -1)
		return SINGER_FAILED;
	if (strcasecmp(s->text.data, "RECORD") == 0)
		return read_record(s, it, e);
	if (strcasecmp(s->text.data, "STATE") == 0)
		return read_state(s, it, state);
	if (strcasecmp(s->text.data, "SCHEMA") == 0)
		return note_schema_stream(s, e);
	if (strcasecmp(s->text.data, "ACTIVATE_VERSION") == 0)
		return warn_version(s, e);
	if (strcasecmp(s->text.data, "BATCH") == 0)
		return fail_batch(s, e);
	return skip_unknown_type(s, e);
}

enum singer_result
singer_read(struct singer *s, struct item *it, struct singer_value *state,
    struct err *e)
{
	const bool adds = s->o->select_as != NULL || s->o->source_file != NULL;
	const struct line *l = &it->line;
	struct json_fault f = { 0 };

	buf_clear(&s->why);
	if (l->too_long)
		return reject_too_long(s, it, l->bytes, e);
	if (json_scan(&s->j, l->data, l->len, adds ? 2 : 1, JSON_LAST, &f) ==
	    -1)
		return reject_not_json(s, it, &f, e);
	if (s->j.tok[0].type != JSON_OBJECT)
		return fill_item_reject(it, "type", NULL,
		    "not a Singer message: the line is not a JSON object");
	return read_message(s, it, state, e);
}

int
singer_warn_missing(struct singer *s, struct err *e)
{
	for (size_t i = 0; i < s->o->select.n; i++)
		if (!s->has_come[i] && warn_in_parent(s, e,
		    "--select %s: the tap wrote "
		    "no message of this stream: check the name",
		    s->o->select.v[i]) == -1)
			return -1;
	return 0;
}
