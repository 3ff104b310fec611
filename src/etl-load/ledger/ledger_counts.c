#include "loader.h"

#include "control/run_counts.h"
#include "json/write.h"

void
ledger_put_counts(struct buf *b, const struct loader *l, const struct sums *t)
{
	const struct boundary *last = &l->stream.last;

	buf_str(b, "[");
	for (size_t i = 0; i < last->nstages; i++) {
		mark_put_counts(b, &last->stages[i]);
		buf_char(b, ',');
	}
	buf_str(b, "{");
	json_put_text(b, "stage", stage_name(l->stage));
	json_put_int(b, "in", (int64_t)t->in);
	json_put_int(b, "inserted", (int64_t)t->inserted);
	json_put_int(b, "updated", (int64_t)t->updated);
	json_put_int(b, "unchanged", (int64_t)t->unchanged);
	json_put_int(b, "superseded", (int64_t)t->superseded);
	json_put_int(b, "skipped", (int64_t)t->skipped);
	json_put_int(b, "deleted", (int64_t)t->deleted);
	if (l->mode->deletes)
		json_put_int(b, "missed", (int64_t)t->missed);
	if (l->mode->removes)
		json_put_int(b, "removed", (int64_t)t->removed);
	json_put_int(b, "rejected", (int64_t)t->rejected);
	buf_str(b, "}]");
}

int
ledger_parse_counts(struct sums *sums, const char *json, size_t len,
    struct err *e)
{
	struct run_counts t = { 0 };
	const int64_t *c;
	int rc;

	*sums = (struct sums){ 0 };
	rc = run_counts_add_json(&t, json, len, e);
	if (rc == 0 && t.n > 0) {
		c = t.stages[t.n - 1].count;
		*sums = (struct sums){
			.in = (uint64_t)c[COUNT_IN],
			.inserted = (uint64_t)c[COUNT_INSERTED],
			.updated = (uint64_t)c[COUNT_UPDATED],
			.unchanged = (uint64_t)c[COUNT_UNCHANGED],
			.superseded = (uint64_t)c[COUNT_SUPERSEDED],
			.skipped = (uint64_t)c[COUNT_SKIPPED],
			.deleted = (uint64_t)c[COUNT_DELETED],
			.missed = (uint64_t)c[COUNT_MISSED],
			.rejected = (uint64_t)c[COUNT_REJECTED],
			.removed = (uint64_t)c[COUNT_REMOVED]
		};
	}
	run_counts_release(&t);
	return rc;
}
