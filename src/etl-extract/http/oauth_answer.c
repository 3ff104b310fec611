#include "http/oauth_answer.h"

#include "json/number.h"
#include "json/write.h"

#include <string.h>
#include <strings.h>

enum { LEVELS = 1, TYPE_MAX = 64, YEAR = 365 * 86400 };

/* Returns the lifetime of the token in milliseconds, or -1 if it is not known.
 * Some servers write the seconds of expires_in as a string. */
static int64_t
read_token_life(const struct json *j)
{
	uint32_t i = json_member_value(j, 0, "expires_in", 10);
	const struct json_tok *t = &j->tok[i];
	bool quoted = i > 0 && t->type == JSON_STRING && t->len > 2;
	const char *p = j->text + t->at + (quoted ? 1 : 0);
	size_t n = t->len - (quoted ? 2 : 0);
	int64_t s;

	if (i == 0 || (t->type != JSON_NUMBER && !quoted))
		return -1;
	for (size_t k = 0; quoted && k < n; k++)
		if (p[k] < '0' || p[k] > '9')
			return -1;
	if (!number_to_int64(p, n, &s) || s < 0)
		return -1;
	return (s > YEAR ? YEAR : s) * 1000;
}

static int
fail_no_token(const char *why, struct err *e)
{
	return err_set(e, ERR_PEER, false, "the answer has no token that can "
	    "be used: %s", why);
}

/* Fails if token_type is not Bearer. The member may be missing. */
static int
check_token_type(const struct json *j, struct err *e)
{
	uint32_t i = json_member_value(j, 0, "token_type", 10);
	struct buf type;
	bool is_bearer = i == 0;
	int rc;

	buf_init(&type, TYPE_MAX);
	if (i > 0 && j->tok[i].type == JSON_STRING &&
	    j->tok[i].len < TYPE_MAX)
		json_unescape(&type, j, i);
	rc = buf_check(&type, e);
	is_bearer |= type.len == 6 &&
	    strncasecmp(type.data, "bearer", type.len) == 0;
	buf_release(&type);
	return rc == -1 ? -1 : is_bearer ? 0 :
	    fail_no_token("token_type is not Bearer", e);
}

static int
read_token(const struct json *j, struct buf *token, struct err *e)
{
	uint32_t i = json_member_value(j, 0, "access_token", 12);

	if (i == 0 || j->tok[i].type != JSON_STRING || j->tok[i].len == 2)
		return fail_no_token("access_token is not a text", e);
	json_unescape(token, j, i);
	if (token->full)
		return fail_no_token("it is too long", e);
	if (buf_check(token, e) == -1)
		return -1;
	for (size_t k = 0; k < token->len; k++)
		if ((unsigned char)token->data[k] <= ' ' ||
		    token->data[k] == 0x7f)
			return fail_no_token("it has characters that a header "
			    "cannot have", e);
	return 0;
}

int
oauth_answer_read(const char *text, size_t n, struct buf *token,
    int64_t *life_ms, struct err *e)
{
	struct json_fault f = { 0 };
	struct json j = { 0 };
	int rc;

	if (json_scan(&j, text, n, LEVELS, JSON_LAST, &f) == -1)
		rc = f.nomem ? err_nomem(e) : fail_no_token("not JSON", e);
	else if (j.tok[0].type != JSON_OBJECT)
		rc = fail_no_token("not an object", e);
	else
		rc = check_token_type(&j, e);
	if (rc == 0)
		rc = read_token(&j, token, e);
	if (rc == 0)
		*life_ms = read_token_life(&j);
	json_release(&j);
	return rc;
}
