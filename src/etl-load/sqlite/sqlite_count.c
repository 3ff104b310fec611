#include "sqlite/sqlite_sink.h"

#include "sqlite/sqlite_value.h"

/* Looks for the key of the record in the set s->keys. The record's values are
 * in s->store. If the set has the key, *holder points to the number of the item
 * that is stored with it. Otherwise adds the key with the number `item`, and
 * sets *holder to NULL. */
static int
add_item_key(struct lite_sink *s, const struct shape *shape, size_t item,
    uint32_t **holder, struct err *e)
{
	const struct target *t = s->store.target;
	size_t at = s->keys.bytes.len;
	bool nomem;

	for (size_t k = 0, i = 0; k < t->nkey; k++, i = 0) {
		while (shape->columns[i] != t->key[k])
			i++;
		sqlite_put_bytes(&s->keys.bytes, &s->store.values[i]);
	}
	*holder = keyset_add(&s->keys, at, (uint32_t)item, &nomem);
	return nomem ? err_nomem(e) : 0;
}

static uint64_t *
result_count(struct sums *t, enum lite_result rc)
{
	switch (rc) {
	case LITE_INSERTED:
		return &t->inserted;
	case LITE_UPDATED:
		return &t->updated;
	case LITE_SKIPPED:
		return &t->skipped;
	case LITE_DELETED:
		return &t->deleted;
	case LITE_MISSED:
		return &t->missed;
	default:
		return &t->unchanged;
	}
}

/* In --mode cdc each record is counted by itself. In other modes, a record of
 * this chunk with the same key may have been stored before. Then that record
 * counts as superseded, and this record gets the outcome of both: inserted if
 * one of them was inserted, else updated if one was updated. */
int
lite_count_stored(struct lite_sink *s, struct outcome *o,
    const struct shape *shape, size_t item, enum lite_result rc, struct err *e)
{
	const struct load_mode *mode = s->store.target->mode;
	uint32_t *holder = NULL;
	unsigned char before;

	if (mode->updates && !mode->changes &&
	    add_item_key(s, shape, item, &holder, e) == -1)
		return -1;
	before = holder == NULL ? 0 : s->result[*holder];
	if (before != 0) {
		(*result_count(&o->sums, before))--;
		o->sums.superseded++;
		rc = before < rc ? before : rc;
	}
	if (holder != NULL)
		*holder = (uint32_t)item;
	s->result[item] = (unsigned char)rc;
	(*result_count(&o->sums, rc))++;
	return 0;
}

int
lite_stored_later(struct lite_sink *s, struct outcome *o,
    const struct shape *shape, size_t item, struct err *e)
{
	uint32_t *holder = NULL;

	if (s->store.target->mode->updates &&
	    add_item_key(s, shape, item, &holder, e) == -1)
		return -1;
	return holder != NULL && *holder > item && s->result[*holder] != 0;
}
