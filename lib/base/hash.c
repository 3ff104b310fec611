#include "base/hash.h"

#include "base/text.h"

#include <sha2.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

struct hash {
	SHA2_CTX ctx;
};

struct hash *
hash_new(void)
{
	struct hash *h = malloc(sizeof(*h));

	if (h != NULL)
		SHA256Init(&h->ctx);
	return h;
}

void
hash_add(struct hash *h, const void *p, size_t n)
{
	SHA256Update(&h->ctx, p, n);
}

static void
put_hex_digits(char *out, const unsigned char *p, size_t digits)
{
	char pair[2];

	for (size_t i = 0; i < digits; i++) {
		hex_put_byte(pair, p[i / 2]);
		out[i] = pair[i % 2];
	}
	out[digits] = '\0';
}

void
hash_finish(struct hash *h, char out[HASH_HEX])
{
	unsigned char digest[SHA256_DIGEST_LENGTH];

	SHA256Final(digest, &h->ctx);
	put_hex_digits(out, digest, HASH_HEX - 1);
	free(h);
}

void
hash_free(struct hash *h)
{
	free(h);
}

void
hash_bytes(const void *p, size_t n, char out[HASH_HEX])
{
	unsigned char digest[SHA256_DIGEST_LENGTH];
	SHA2_CTX ctx;

	SHA256Init(&ctx);
	SHA256Update(&ctx, p, n);
	SHA256Final(digest, &ctx);
	put_hex_digits(out, digest, HASH_HEX - 1);
}

/* getrandom(2) returns all bytes or fails if at most 256 bytes are requested.
 * So the loop retries only failures. */
static void
random_bytes(unsigned char *p, size_t n)
{
	while (getrandom(p, n, 0) != (ssize_t)n)
		continue;
}

void
random_hex(char *out, size_t digits)
{
	unsigned char p[64] = { 0 };

	if (digits > 2 * sizeof(p))
		digits = 2 * sizeof(p);
	random_bytes(p, (digits + 1) / 2);
	put_hex_digits(out, p, digits);
}

void
uuid_new(char out[UUID_TEXT])
{
	static const size_t ends[] = { 4, 6, 8, 10, 16 };
	unsigned char p[16];
	size_t from = 0;

	random_bytes(p, sizeof(p));
	p[6] = (unsigned char)((p[6] & 0x0f) | 0x40);
	p[8] = (unsigned char)((p[8] & 0x3f) | 0x80);
	for (size_t i = 0; i < 5; i++) {
		put_hex_digits(out, p + from, 2 * (ends[i] - from));
		out += 2 * (ends[i] - from);
		from = ends[i];
		*out++ = '-';
	}
	out[-1] = '\0';
}

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
