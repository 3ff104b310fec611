/* Fuzz target that compares how the answer of a token server is read with the
 * same by jansson.  Known differences: jansson refuses lone surrogates, \u0000
 * in names and numbers outside the range of a double, and it nests deeper. */
#include "fuzz.h"

#include "src/etl-extract/http/oauth_answer.h"

#include <jansson.h>
#include <string.h>
#include <strings.h>

/* Returns the token that jansson reads, or NULL if there is none that can be
 * used. */
static const char *
find_token(const json_t *answer, size_t *n)
{
	const json_t *type = json_object_get(answer, "token_type");
	const json_t *token = json_object_get(answer, "access_token");
	const char *p = json_string_value(token);

	if (type != NULL && (!json_is_string(type) ||
	    json_string_length(type) != 6 ||
	    strcasecmp(json_string_value(type), "bearer") != 0))
		return NULL;
	*n = json_string_length(token);
	if (p == NULL || *n == 0 || *n > 16384)
		return NULL;
	for (size_t i = 0; i < *n; i++)
		if ((unsigned char)p[i] <= ' ' || p[i] == 0x7f)
			return NULL;
	return p;
}

/* Compares the life with that of jansson, if it is a whole number. */
static void
compare_life(const json_t *answer, int64_t life)
{
	const json_t *v = json_object_get(answer, "expires_in");
	json_int_t s = json_integer_value(v);

	if (v == NULL || json_is_null(v) || json_is_boolean(v))
		MUST(life == -1);
	if (json_is_integer(v) && s >= 0 && s < 1000000)
		MUST(life == s * 1000);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	json_t *answer = json_loadb((const char *)data, n,
	    JSON_DECODE_ANY | JSON_ALLOW_NUL, NULL);
	struct err e = { 0 };
	struct buf token;
	size_t want_n = 0;
	const char *want = find_token(answer, &want_n);
	int64_t life = -2;
	int rc;

	buf_init(&token, 16384);
	rc = oauth_answer_read((const char *)data, n, &token, &life, &e);
	MUST(rc == 0 || e.code == ERR_PEER);
	if (answer != NULL && memchr(data, '\0', n) == NULL)
		MUST((rc == 0) == (want != NULL));
	if (rc == 0 && want != NULL) {
		MUST(token.len == want_n &&
		    memcmp(token.data, want, want_n) == 0);
		compare_life(answer, life);
	}
	buf_release(&token);
	json_decref(answer);
	return 0;
}
