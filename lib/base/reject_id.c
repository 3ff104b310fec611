#include "base/reject_id.h"

#include <string.h>

/* Adds a part and a NUL to the hash. With the NUL, the parts "ab","c" and
 * "a","bc" have different hashes. */
static void
hash_part(struct hash *h, const char *p, size_t n)
{
	hash_add(h, n > 0 ? p : "", n);
	hash_add(h, "", 1);
}

/* Does the same with a text; NULL counts as an empty text. */
static void
hash_text(struct hash *h, const char *s)
{
	hash_part(h, s, s != NULL ? strlen(s) : 0);
}

/* Adds the pipeline and, if it has a name, the stream. */
static void
hash_place(struct hash *h, const struct reject_place *p)
{
	hash_text(h, p->pipeline);
	if (p->stream != NULL && *p->stream != '\0')
		hash_text(h, p->stream);
}

int
reject_id_record(char id[HASH_HEX], const struct reject_place *p,
    const char *raw, size_t len, const char *sha256, struct err *e)
{
	struct hash *h = hash_new();

	if (h == NULL)
		return err_nomem(e);
	hash_place(h, p);
	hash_text(h, p->stage);
	if (p->table != NULL)
		hash_text(h, p->table);
	hash_part(h, raw, len);
	if (sha256 != NULL)
		hash_text(h, sha256);
	hash_finish(h, id);
	return 0;
}

/* The hashed bytes of a record end with a NUL. Here no NUL is added after the
 * key, and the key, a JSON text, has none at its end. So this id differs from
 * the id of any record, even if the table has the name of a stage. */
int
reject_id_key(char id[HASH_HEX], const struct reject_place *p,
    const char *key, size_t len, struct err *e)
{
	struct hash *h = hash_new();

	if (h == NULL)
		return err_nomem(e);
	hash_place(h, p);
	hash_text(h, p->table);
	hash_add(h, key, len);
	hash_finish(h, id);
	return 0;
}
