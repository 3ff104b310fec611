/* replay: the raw lines of letters, as a marked stream.  The letters of one
 * pipeline and stage at a time, for only that stage can judge them anew. */
#include "dlq.h"

#include "stream/stage.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { CHOICES = 16 };

struct choice {
	char *pipeline, *stage;
	uint64_t letters;
};

struct choices {
	struct choice v[CHOICES];
	size_t n;
	bool more;
};

static const char *
text_or_none(const char *s)
{
	return s != NULL ? s : "";
}

static bool
choice_is(const struct choice *c, const struct letter *l)
{
	return strcmp(c->pipeline, text_or_none(l->pipeline)) == 0 &&
	    strcmp(c->stage, text_or_none(l->stage)) == 0;
}

static int
choice_add(struct choices *c, const struct letter *l, struct err *e)
{
	struct choice *new = &c->v[c->n];

	for (size_t i = 0; i < c->n; i++)
		if (choice_is(&c->v[i], l)) {
			c->v[i].letters++;
			return 0;
		}
	if (c->n == CHOICES) {
		c->more = true;
		return 0;
	}
	c->n++;
	new->letters = 1;
	new->pipeline = strdup(text_or_none(l->pipeline));
	new->stage = strdup(text_or_none(l->stage));
	if (new->pipeline == NULL || new->stage == NULL)
		return err_nomem(e);
	return 0;
}

static void
choices_release(struct choices *c)
{
	for (size_t i = 0; i < c->n; i++) {
		free(c->v[i].pipeline);
		free(c->v[i].stage);
	}
	c->n = 0;
}

static int
choices_read(struct choices *c, struct dlq *d,
    const struct letter_filter *f, struct err *e)
{
	struct letters *letters = NULL;
	struct letter l;
	int more;

	if (letters_open(&letters, d->db, f, e) == -1)
		return -1;
	while ((more = letters_next(letters, &l, e)) == 1)
		if (choice_add(c, &l, e) == -1) {
			more = -1;
			break;
		}
	letters_close(letters);
	return more;
}

static int
choices_refuse(const struct choices *c, struct err *e)
{
	struct buf b;

	buf_init(&b, sizeof(e->msg));
	buf_str(&b, "replay: one pipeline and stage at a time; there are");
	for (size_t i = 0; i < c->n; i++)
		buf_printf(&b, "%s --pipeline '%s' --stage %s (%llu)",
		    i > 0 ? "," : "", c->v[i].pipeline, c->v[i].stage,
		    (unsigned long long)c->v[i].letters);
	if (c->more)
		buf_str(&b, ", and more");
	(void)err_set(e, ERR_USAGE, false, "%s", buf_text(&b));
	buf_release(&b);
	return -1;
}

/* Why a letter cannot be replayed, or NULL. */
static const char *
hindrance(const struct letter *l)
{
	if (l->cut)
		return "only the start of its line was kept";
	if (l->raw == NULL || strspn(l->raw, " \t\r") == l->raw_len)
		return "there is no line";
	if (memchr(l->raw, '\n', l->raw_len) != NULL)
		return "it is more than one line";
	if (mark_is(l->raw, l->raw_len))
		return "its line is a mark (reserved)";
	return NULL;
}

static int
letter_emit(struct dlq *d, struct stage *s, const struct letter *l,
    struct err *e)
{
	const char *why = hindrance(l);
	int64_t open = l->attempts - l->resolved_upto;

	if (why != NULL) {
		(void)fprintf(stderr, "etl-dlq: warning: replay: letter %lld "
		    "is left out: %s\n", (long long)l->id, why);
		return 0;
	}
	if (d->opts->once || open < 1)
		open = 1;
	while (open-- > 0)
		if (stage_emit(s, l->raw, l->raw_len, e) == -1)
			return -1;
	return 0;
}

static int
letters_emit(struct dlq *d, struct stage *s, const struct choice *c,
    const struct letter_filter *f, struct err *e)
{
	struct letters *letters = NULL;
	struct letter l;
	int more;

	if (letters_open(&letters, d->db, f, e) == -1)
		return -1;
	while ((more = letters_next(letters, &l, e)) == 1)
		if (choice_is(c, &l) && letter_emit(d, s, &l, e) == -1) {
			more = -1;
			break;
		}
	letters_close(letters);
	return more;
}

static int
stream_write(struct dlq *d, const struct choices *c,
    const struct letter_filter *f, struct err *e)
{
	struct mark m = { .pipeline = c->n > 0 ? c->v[0].pipeline : NULL,
	    .stage = c->n > 0 ? c->v[0].stage : NULL };
	const struct stage_conf conf = { .name = "replay", .source = true,
	    .replay = &m, .fds = d->fds };
	struct stage *s = NULL;
	int rc = -1;

	if (m.pipeline != NULL && *m.pipeline == '\0')
		m.pipeline = NULL;
	if (stage_open(&s, &conf, e) == -1 || stage_begin(s, e) == -1)
		goto out;
	if (c->n > 0 && letters_emit(d, s, &c->v[0], f, e) == -1)
		goto out;
	rc = stage_finish(s, e);
out:
	if (rc == -1)
		stage_fail(s, e);
	stage_close(s);
	return rc;
}

int
replay_command(struct dlq *d, struct err *e)
{
	struct choices c = { .n = 0 };
	const struct letter_filter *f = &d->selection.filter;
	int rc = -1;

	if (dlq_open(d, e) == 0 && choices_read(&c, d, f, e) == 0)
		rc = c.n > 1 ? choices_refuse(&c, e) :
		    stream_write(d, &c, f, e);
	choices_release(&c);
	return rc;
}
