#include "base/reject_id.h"

#include <string.h>

/* Adds a part and a NUL to the hash. With the NUL, the parts "ab","c" and
 * "a","bc" have different hashes. */
static void
hash_part_with_nul(struct hash *h, const char *p, size_t n)
{
	hash_add(h, n > 0 ? p : "", n);
	hash_add(h, "", 1);
}

static void
hash_text_with_nul(struct hash *h, const char *s)
{
	hash_part_with_nul(h, s, s != NULL ? strlen(s) : 0);
}

static void
add_pipeline_and_stream(struct hash *h, const struct reject_place *p)
{
	hash_text_with_nul(h, p->pipeline);
	if (p->stream != NULL && *p->stream != '\0')
		hash_text_with_nul(h, p->stream);
}

int
reject_id_from_record(char id[HASH_HEX], const struct reject_place *p,
    const char *raw, size_t len, const char *sha256, struct err *e)
{
	struct hash *h = hash_new();

	if (h == NULL)
		return err_nomem(e);
	add_pipeline_and_stream(h, p);
	hash_text_with_nul(h, p->stage);
	if (p->table != NULL)
		hash_text_with_nul(h, p->table);
	hash_part_with_nul(h, raw, len);
	if (sha256 != NULL)
		hash_text_with_nul(h, sha256);
	hash_finish_and_free(h, id);
	return 0;
}

/* The hashed bytes of a record end with a NUL. Here no NUL is added after the
 * key, and the key, a JSON text, has none at its end. So this id differs from
 * the id of any record, even if the table has the name of a stage. */
int
reject_id_from_key(char id[HASH_HEX], const struct reject_place *p,
    const char *key, size_t len, struct err *e)
{
	struct hash *h = hash_new();

	if (h == NULL)
		return err_nomem(e);
	add_pipeline_and_stream(h, p);
	hash_text_with_nul(h, p->table);
	hash_add(h, key, len);
	hash_finish_and_free(h, id);
	return 0;
}
