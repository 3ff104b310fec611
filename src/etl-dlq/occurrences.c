#include "dlq.h"

int
occurrences_open(struct occurrences *o, struct dlq *d, const struct letter *l,
    enum letter_occurrences_kind kind, struct err *e)
{
	*o = (struct occurrences){ .letter = l };
	return letter_occurrences_open(&o->times, d->db, l, kind, e);
}

/* Reads the next occurrence. If its bytes were erased, sets raw to NULL. Erased
 * bytes are stored as an empty text, which is not ambiguous: no program rejects
 * an empty record, because all programs skip blank lines. */
int
occurrences_next(struct occurrences *o, struct err *e)
{
	int more = letter_occurrences_next(o->times, &o->t, e);
	int kept = more == 1
	    ? letter_occurrences_read(o->times, &o->t, e)
	    : more;

	if (more != 1 || kept == -1)
		return kept;
	o->with_its_bytes = *o->letter;
	if (!o->t.has_own_bytes)
		return 1;
	if (kept == 0 || o->t.raw_len == 0)
		o->t.raw = NULL;
	o->with_its_bytes.raw = o->t.raw;
	o->with_its_bytes.raw_len = o->t.raw_len;
	return 1;
}

void
occurrences_close(struct occurrences *o)
{
	letter_occurrences_close(o->times);
}
