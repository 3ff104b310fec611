/* The sub-commands get, set, clear and list. */
#include "store.h"

#include "base/text.h"
#include "json/write.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { TEXT = 1 << 30 };

/* Prints the value of a checkpoint byte for byte, for scripts. If standard
 * output is a terminal, control characters are escaped. */
static int
print_value(struct command *c, const char *value, struct err *e)
{
	struct buf b;
	int rc;

	if (isatty(STDOUT_FILENO) != 1)
		return out_write_line(c->out, value, strlen(value), e);
	buf_init(&b, TEXT);
	text_show(&b, value, strlen(value));
	rc = buf_check(&b, e) == -1 ? -1 :
	    out_write_line(c->out, b.data, b.len, e);
	buf_release(&b);
	return rc;
}

int
get_command(struct command *c, struct err *e)
{
	const char *name = c->args[0];
	int64_t version;
	char *value;
	int rc;

	if (c->store->get(c, name, &value, &version, e) == -1)
		return -1;
	if (value != NULL)
		rc = print_value(c, value, e);
	else
		rc = err_set(e, ERR_LIMIT, false, "%s: this checkpoint has "
		    "no value: etl-checkpoint clear has removed it", name);
	free(value);
	return rc;
}

int
set_command(struct command *c, struct err *e)
{
	const char *value = c->args[1];

	if (*value == '\0')
		return err_set(e, ERR_USAGE, false, "set: the value is empty: "
		    "to remove a value, use clear");
	if (utf8_valid_length(value, strlen(value)) != strlen(value))
		return err_set(e, ERR_USAGE, false, "set: the value is not "
		    "UTF-8: convert it, for example with iconv");
	return c->store->set(c, c->args[0], value, e);
}

int
clear_command(struct command *c, struct err *e)
{
	return c->store->set(c, c->args[0], NULL, e);
}

struct list {
	bool as_json;
	struct buf text;        /* the lines of the list */
	struct buf json;
};

static void
put_padded_cell(struct buf *b, const char *s, size_t width)
{
	size_t start = b->len;

	text_show(b, s, strlen(s));
	while (b->len < start + width && !b->failed)
		buf_char(b, ' ');
	buf_char(b, ' ');
}

static void
put_row(struct list *l, const struct checkpoint *p)
{
	char seconds[21] = "-";

	if (p->updated_at != NULL && strlen(p->updated_at) > 19) {
		memcpy(seconds, p->updated_at, 19);
		seconds[19] = 'Z';
		seconds[20] = '\0';
	}
	if (l->text.len == 0)
		buf_str(&l->text, "NAME                 VERSION UPDATED"
		    "              VALUE\n");
	put_padded_cell(&l->text, p->name, 20);
	buf_printf(&l->text, "%7lld ", (long long)p->version);
	put_padded_cell(&l->text, seconds, 20);
	if (p->value != NULL)
		text_show(&l->text, p->value, strlen(p->value));
	else
		buf_str(&l->text, "(none)");
}

/* Appends a checkpoint as a JSON object. text_show() escapes control
 * characters, such as U+009B, that a terminal could obey. In JSON text they
 * occur only inside strings, where the escape \u009b means the same
 * character. */
static int
put_json(struct list *l, const struct checkpoint *p, struct err *e)
{
	struct buf *b = &l->json;

	buf_clear(b);
	buf_char(b, '{');
	json_put_text(b, "name", p->name);
	if (p->value != NULL)
		json_put_text(b, "value", p->value);
	else
		json_put_raw(b, "value", "null", 4);
	json_put_int(b, "version", p->version);
	if (p->seq > 0)
		json_put_int(b, "seq", p->seq);
	if (p->run != NULL)
		json_put_text(b, "run", p->run);
	if (p->updated_at != NULL)
		json_put_text(b, "updated_at", p->updated_at);
	buf_char(b, '}');
	text_show(&l->text, b->data, b->len);
	return buf_check(b, e);
}

/* Appends the checkpoint as a row of the table or, with --json, as an
 * object. */
static int
list_append(void *self, const struct checkpoint *p, struct err *e)
{
	struct list *l = self;

	if (!l->as_json)
		put_row(l, p);
	else if (put_json(l, p, e) == -1)
		return -1;
	buf_char(&l->text, '\n');
	return buf_check(&l->text, e);
}

void
store_print_none(const char *store_name)
{
	if (isatty(STDERR_FILENO) == 1)
		err_printf("etl-checkpoint: list: no checkpoint "
		    "in %s\n", store_name);
}

/* Collects the whole list in memory, and prints it after the database or state
 * file was closed: a slow reader of standard output must not keep the database
 * open. */
int
list_command(struct command *c, struct err *e)
{
	struct list l = { .as_json = c->opts->json };
	int rc;

	buf_init(&l.text, TEXT);
	buf_init(&l.json, TEXT);
	rc = c->store->list(c, list_append, &l, e);
	if (rc == 0)
		rc = out_write_part(c->out, l.text.data, l.text.len, e);
	buf_release(&l.text);
	buf_release(&l.json);
	return rc;
}
