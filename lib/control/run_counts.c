#include "control/run_counts.h"

#include "json/number.h"
#include "json/scan.h"
#include "json/write.h"

#include <stdlib.h>
#include <string.h>

/* Each count of a stage must be less than this, so that the sum of thousands of
 * counts fits into an int64_t. The parser of marks in a stream has the same
 * limit (count_end in lib/stream/mark.c). */
static const int64_t count_end = INT64_C(1) << 51;

static const char *const names[COUNT_N] = {
	"in", "out", "dropped", "rejected", "aside", "inserted", "updated",
	"unchanged", "superseded", "skipped", "deleted", "missed", "removed"
};

/* Returns the stage with this name. Adds it if it is new. Returns NULL if
 * memory is out. */
static struct run_stage *
add_stage(struct run_counts *t, const char *name)
{
	struct run_stage *more;

	for (size_t i = 0; i < t->n; i++)
		if (strcmp(t->stages[i].name, name) == 0)
			return &t->stages[i];
	more = realloc(t->stages, (t->n + 1) * sizeof(*more));
	if (more == NULL)
		return NULL;
	t->stages = more;
	more = &t->stages[t->n++];
	*more = (struct run_stage){ 0 };
	memcpy(more->name, name, strlen(name) + 1);
	return more;
}

static const char bad[] = "cannot read the counts of a stage";

static int
read_stage_name(char out[64], const struct json *j, uint32_t obj, struct err *e)
{
	uint32_t i = json_member_value(j, obj, "stage", 5);
	struct buf b;
	int rc = -1;

	if (i == 0 || j->tok[i].type != JSON_STRING)
		return err_set(e, ERR_PEER, false, "%s: \"stage\" is not a "
		    "string", bad);
	buf_init(&b, 64);
	json_unescape(&b, j, i);
	buf_char(&b, '\0');
	if (b.failed && !b.full)
		(void)err_nomem(e);
	else if (b.full || memchr(b.data, '\0', b.len) != b.data + b.len - 1)
		(void)err_set(e, ERR_PEER, false, "%s: \"stage\" is longer "
		    "than 63 bytes or has a NUL", bad);
	else {
		memcpy(out, b.data, b.len);
		rc = 0;
	}
	buf_release(&b);
	return rc;
}

/* Adds the counts of the stage in the object `obj`. `first` is true for the
 * first stage of the row. */
static int
add_stage_counts(struct run_counts *t, const struct json *j, uint32_t obj,
    bool first, struct err *e)
{
	struct run_stage *s;
	char name[64];
	uint32_t i;
	int64_t v, n[COUNT_N];

	if (j->tok[obj].type != JSON_OBJECT)
		return err_set(e, ERR_PEER, false, "%s: not a JSON object",
		    bad);
	if (read_stage_name(name, j, obj, e) == -1)
		return -1;
	if ((s = add_stage(t, name)) == NULL)
		return err_nomem(e);
	for (int k = 0; k < COUNT_N; k++) {
		n[k] = 0;
		i = json_member_value(j, obj, names[k], strlen(names[k]));
		if (i == 0)
			continue;
		if (j->tok[i].type != JSON_NUMBER ||
		    !number_to_int64(
			j->text + j->tok[i].at, j->tok[i].len, &v) ||
		    v < 0 || v >= count_end)
			return err_set(e, ERR_PEER, false, "%s: \"%s\" is not "
			    "a valid count", bad, names[k]);
		s->has[k] = true;
		s->count[k] += v;
		n[k] = v;
	}
	/* t->extracted counts the records that entered the run. If the first
	 * stage is etl-extract, which reads no records, these are the records
	 * that it wrote and rejected. If the first stage is a filter or loader
	 * that reads a file, these are the records that it read. */
	if (first)
		t->extracted += n[COUNT_IN] > 0 ? n[COUNT_IN] :
		    n[COUNT_OUT] + n[COUNT_REJECTED];
	return 0;
}

int
run_counts_add_json(
    struct run_counts *t, const char *json, size_t len, struct err *e)
{
	struct json j = { 0 };
	struct json_fault fault = { 0 };
	int rc = -1;

	if (json_scan(&j, json, len, 3, JSON_LAST, &fault) == -1) {
		(void)(fault.nomem ? err_nomem(e) : err_set(e, ERR_PEER,
		    false, "etl_loads: the column counts of a row is not valid "
		    "JSON: another program has changed the row; correct or "
		    "delete it"));
		goto out;
	}
	if (j.tok[0].type != JSON_ARRAY) {
		(void)err_set(e, ERR_PEER, false, "etl_loads: the column "
		    "counts of a row is not a JSON array: another program has "
		    "changed the row; correct or delete it");
		goto out;
	}
	for (uint32_t i = 1; i < j.tok[0].next; i = j.tok[i].next)
		if (add_stage_counts(t, &j, i, i == 1, e) == -1)
			goto out;
	rc = 0;
out:
	json_release(&j);
	return rc;
}

int64_t
run_counts_sum(const struct run_counts *t, enum run_count what)
{
	int64_t sum = 0;

	for (size_t i = 0; i < t->n; i++)
		sum += t->stages[i].count[what];
	return sum;
}

void
run_counts_put_json(struct buf *b, const struct run_counts *t)
{
	buf_char(b, '[');
	for (size_t i = 0; i < t->n; i++) {
		buf_str(b, i == 0 ? "{" : ",{");
		json_put_text(b, "stage", t->stages[i].name);
		for (int k = 0; k < COUNT_N; k++)
			if (t->stages[i].has[k])
				json_put_int(b, names[k],
				    t->stages[i].count[k]);
		buf_char(b, '}');
	}
	buf_char(b, ']');
}

void
run_counts_release(struct run_counts *t)
{
	free(t->stages);
	*t = (struct run_counts){ 0 };
}
