/* get, set, clear and list: what people and scripts do by hand. */
#include "store.h"

#include "base/text.h"
#include "json/write.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { LINE = 1 << 30 };

/* A script gets the very value; a terminal obeys nothing in it. */
static int
value_print(struct command *c, const char *value, struct err *e)
{
	struct buf b;
	int rc;

	if (isatty(STDOUT_FILENO) != 1)
		return out_line(c->out, value, strlen(value), e);
	buf_init(&b, LINE);
	text_show(&b, value, strlen(value));
	rc = buf_check(&b, e) == -1 ? -1 : out_line(c->out, b.data, b.len, e);
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
		rc = value_print(c, value, e);
	else
		rc = err_set(e, ERR_LIMIT, false, "%s: has no value: it was "
		    "cleared", name);
	free(value);
	return rc;
}

int
set_command(struct command *c, struct err *e)
{
	const char *value = c->args[1];

	if (*value == '\0')
		return err_set(e, ERR_USAGE, false, "set: the value is empty: "
		    "use clear to have none");
	if (utf8_span(value, strlen(value)) != strlen(value))
		return err_set(e, ERR_USAGE, false, "set: the value is no "
		    "UTF-8");
	return c->store->set(c, c->args[0], value, e);
}

int
clear_command(struct command *c, struct err *e)
{
	return c->store->set(c, c->args[0], NULL, e);
}

struct list {
	struct command *command;
	struct buf line, json;
	bool any;
};

static void
cell_put(struct buf *b, const char *s, size_t width)
{
	size_t start = b->len;

	text_show(b, s, strlen(s));
	while (b->len < start + width)
		buf_char(b, ' ');
	buf_char(b, ' ');
}

static int
row_put(struct list *l, const struct checkpoint *p, struct err *e)
{
	char seconds[21] = "-";

	if (p->updated_at != NULL && strlen(p->updated_at) > 19) {
		memcpy(seconds, p->updated_at, 19);
		seconds[19] = 'Z';
		seconds[20] = '\0';
	}
	cell_put(&l->line, p->name, 20);
	buf_printf(&l->line, "%7lld ", (long long)p->version);
	cell_put(&l->line, seconds, 20);
	if (p->value != NULL)
		text_show(&l->line, p->value, strlen(p->value));
	else
		buf_str(&l->line, "(none)");
	return buf_check(&l->line, e);
}

/* As letters are: text_show() only spells strings differently. */
static int
object_put(struct list *l, const struct checkpoint *p, struct err *e)
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
	if (buf_check(b, e) == -1)
		return -1;
	text_show(&l->line, b->data, b->len);
	return buf_check(&l->line, e);
}

static int
list_each(void *self, const struct checkpoint *p, struct err *e)
{
	static const char head[] = "NAME                 VERSION UPDATED"
	    "              VALUE";
	struct list *l = self;
	struct out *out = l->command->out;
	bool json = l->command->opts->json;

	if (!l->any && !json && out_line(out, head, sizeof(head) - 1,
	    e) == -1)
		return -1;
	l->any = true;
	buf_clear(&l->line);
	if ((json ? object_put(l, p, e) : row_put(l, p, e)) == -1)
		return -1;
	return out_line(out, l->line.data, l->line.len, e);
}

void
store_empty(const char *name)
{
	if (isatty(STDERR_FILENO) == 1)
		(void)fprintf(stderr, "etl-checkpoint: list: no checkpoint "
		    "in %s\n", name);
}

int
list_command(struct command *c, struct err *e)
{
	struct list l = { .command = c };
	int rc;

	buf_init(&l.line, LINE);
	buf_init(&l.json, LINE);
	rc = c->store->list(c, list_each, &l, e);
	buf_release(&l.line);
	buf_release(&l.json);
	return rc;
}
