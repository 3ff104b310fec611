#include "probe/look.h"

#include "cursor/cursor_value.h"
#include "json/write.h"
#include "probe/members.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

enum { WHY_MAX = 1024 };

/* The arrays of an answer that may contain the records. */
struct arrays {
	uint32_t best;          /* token of the most likely array, or 0 */
	unsigned score, depth;  /* score and depth of the array `best` */
	unsigned with_objects;  /* number of arrays with objects */
	unsigned at_top;        /* number of arrays that are members of the
				 * answer */
	char pointer[MEMBER_POINTER];
};

static bool
is_usual_name(const char *key)
{
	static const char *const names[] = { "data", "items", "results",
		"records", "values", "entries", "hits", "rows", "content",
		"value", "list", "objects" };

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		if (strcmp(key, names[i]) == 0)
			return true;
	return false;
}

/* Called for each member. Remembers it if it is an array that is more likely to
 * have the records than those before. */
static void
note_best_array(void *self, const struct json *j, const struct member *m)
{
	struct arrays *a = self;
	const struct json_tok *t = &j->tok[m->value];
	bool objects;
	unsigned score;

	if (t->type != JSON_ARRAY)
		return;
	objects = t->members > 0 && t[1].type == JSON_OBJECT;
	a->with_objects += objects;
	a->at_top += m->depth == 1;
	score = 1 + (objects ? 8 : t->members == 0 ? 4 : 0) +
	    (is_usual_name(m->key) ? 2 : 0) + (m->depth == 1);
	if (score <= a->score)
		return;
	a->score = score;
	a->best = m->value;
	a->depth = m->depth;
	(void)snprintf(a->pointer, sizeof(a->pointer), "%s", m->pointer);
}

static uint64_t
count_elements(const struct json *j, uint32_t array)
{
	uint64_t n = 0;

	for (uint32_t i = array + 1; i < j->tok[array].next;
	    i = j->tok[i].next)
		n++;
	return n;
}

/* Sets PART_RECORDS to the array that most likely has the records. The option
 * --records is not needed if this is the only array that is a member of the
 * answer itself. */
static void
set_records_part(struct look *l, const struct arrays *a)
{
	bool is_default = a->at_top == 1 && a->depth == 1;
	char why[WHY_MAX];

	l->array = a->best;
	l->records = count_elements(l->j, a->best);
	(void)snprintf(why, sizeof(why), "%s has %" PRIu64 " record%s%s",
	    a->pointer, l->records, l->records == 1 ? "" : "s",
	    a->with_objects > 1 ?
	    ", but other arrays of the answer have objects, too" :
	    l->records == 0 ? ", so this is only their likely place" : "");
	findings_set(l->findings, PART_RECORDS,
	    a->with_objects == 1 ? SURE : a->with_objects > 1 ? LIKELY : GUESS,
	    is_default ? "" : a->pointer, why);
}

int
look_for_records(struct look *l, struct err *e)
{
	const struct json_tok *t = l->j->tok;
	struct arrays a = { 0 };
	char why[WHY_MAX];

	if (t[0].type == JSON_ARRAY) {
		l->array = 0;
		l->records = count_elements(l->j, 0);
		(void)snprintf(why, sizeof(why), "the answer is the array of "
		    "%" PRIu64 " record%s", l->records,
		    l->records == 1 ? "" : "s");
		findings_set(l->findings, PART_RECORDS, SURE, "", why);
		return 0;
	}
	if (members_visit(l->j, 0, note_best_array, &a, e) == -1)
		return -1;
	if (a.best == 0)
		return err_set(e, ERR_PEER, false, "the answer has no array, "
		    "so --probe finds no records in it");
	set_records_part(l, &a);
	return 0;
}

/* The member of the first record that, by its name, is most likely a cursor. */
struct field {
	unsigned rank;          /* higher for a more likely member; 0: no member
				 * was found */
	enum value_kind kind;
	char pointer[MEMBER_POINTER];
};

static const char *const field_keys[] = { "updatedat", "modifiedat",
	"lastmodified", "lastmodifiedat", "lastupdated", "updated", "modified",
	"changedat", "updatedon", "modifiedon", "timestamp", "ts", "time",
	"eventtime", "createdat", "created", "date", "seq", "id" };
enum { FIELDS = sizeof(field_keys) / sizeof(field_keys[0]),
	FIELDS_OF_CHANGES = 9 };

/* Called for each member of a record. Remembers it if it is a better cursor
 * than those before. */
static void
note_best_field(void *self, const struct json *j, const struct member *m)
{
	struct field *f = self;
	const struct json_tok *t = &j->tok[m->value];
	const char *p = j->text + t->at;
	size_t n = t->len;
	enum value_kind kind;

	if (m->depth > 2 || (t->type != JSON_STRING && t->type != JSON_NUMBER))
		return;
	if (t->type == JSON_STRING) {
		p++;
		n -= 2;
	}
	kind = value_kind(p, n);
	for (unsigned i = 0; i < FIELDS; i++) {
		if (strcmp(m->key, field_keys[i]) != 0 ||
		    kind == VALUE_TEXT || FIELDS - i <= f->rank)
			continue;
		f->rank = FIELDS - i;
		f->kind = kind;
		(void)snprintf(f->pointer, sizeof(f->pointer), "%s",
		    m->pointer);
	}
}

int
look_for_cursor(struct look *l, struct err *e)
{
	struct field f = { 0 };
	char why[WHY_MAX * 2];

	if (l->records > 0 && l->j->tok[l->array + 1].type == JSON_OBJECT &&
	    members_visit(l->j, l->array + 1, note_best_field, &f, e) == -1)
		return -1;
	if (f.rank == 0)
		return 0;
	(void)snprintf(why, sizeof(why), "%s is %s: to read only what is new, "
	    "add --checkpoint NAME --cursor-field %s --since-param PARAMETER",
	    f.pointer, f.kind == VALUE_TIME ? "a time" : "a number",
	    f.pointer);
	findings_set(l->findings, PART_FIELD,
	    f.rank > FIELDS - FIELDS_OF_CHANGES ? LIKELY : GUESS, "", why);
	return 0;
}
