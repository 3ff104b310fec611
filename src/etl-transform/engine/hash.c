#include "engine/engine.h"

#include "base/hash.h"
#include "base/text.h"
#include "json/member_index.h"
#include "json/name.h"
#include "json/write.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* The hash of --hash: the SHA-256, in hexadecimal, of the canonical JSON of an
 * object with the chosen members of a record. A member that the record does not
 * have is not in this object, so an absent member and null differ.
 * Owns:  copies of the names; row_hash_release() frees them. */
struct row_hash {
	const char *as;                 /* the member that gets the hash */
	struct buf names;               /* of the chosen members, in the order
	                                 * of canonical JSON, each with a NUL */
	struct buf text;                /* the canonical JSON of a record */
	struct member_index index;
	size_t max_record;
};

static const char default_name[] = "_row_hash";

static int
by_canonical_order(const void *a, const void *b)
{
	return json_compare_names(*(char *const *)a, *(char *const *)b);
}

/* Fails if the text cannot be the name of a member. */
static int
check_member_name(const char *option, const char *p, size_t n, struct err *e)
{
	if (n == 0)
		return err_set(e, ERR_USAGE, false,
		    "%s: the name of a member is empty", option);
	if (utf8_valid_length(p, n) != n)
		return err_set(e, ERR_USAGE, false,
		    "%s: the name of a member is not UTF-8", option);
	return 0;
}

/* Splits the list "a, b" in place; blanks around a name do not count. Sets *v
 * to the sorted names and *n to their number. The caller frees *v. */
static int
split_names(char *list, char ***v, size_t *n, struct err *e)
{
	char *name, *end;

	*n = 0;
	*v = calloc(strlen(list) + 1, sizeof(**v));
	if (*v == NULL)
		return err_nomem(e);
	while ((name = strsep(&list, ",")) != NULL) {
		name += strspn(name, " ");
		for (end = name + strlen(name); end > name && end[-1] == ' ';)
			*--end = '\0';
		if (check_member_name("--hash", name, strlen(name), e) == -1)
			return -1;
		(*v)[(*n)++] = name;
	}
	qsort(*v, *n, sizeof(**v), by_canonical_order);
	return 0;
}

static int
check_names(char *const *v, size_t n, const char *as, struct err *e)
{
	if (check_member_name("--hash-as", as, strlen(as), e) == -1)
		return -1;
	if (strcmp(as, "@etl") == 0)
		return err_set(e, ERR_USAGE, false, "--hash-as @etl: this "
		    "member is reserved for marks: give another name");
	for (size_t i = 0; i < n; i++) {
		if (i > 0 && strcmp(v[i - 1], v[i]) == 0)
			return err_set(e, ERR_USAGE, false,
			    "--hash: the member \"%s\" is named twice", v[i]);
		if (strcmp(v[i], as) == 0)
			return err_set(e, ERR_USAGE, false,
			    "--hash: the member \"%s\" gets the hash, so it "
			    "cannot be a part of it", as);
	}
	return 0;
}

/* Checks the member names `columns` of --hash, and `as`, the name of --hash-as
 * or NULL. Appends the sorted member names, each with a NUL, to the buffer
 * `names`, unless this is NULL. */
static int
put_hash_names(struct buf *names, const char *columns, const char *as,
    struct err *e)
{
	char *list = strdup(columns), **v = NULL;
	size_t n = 0;
	int rc = -1;

	if (list == NULL)
		return err_nomem(e);
	if (split_names(list, &v, &n, e) == 0)
		rc = check_names(v, n, as != NULL ? as : default_name, e);
	for (size_t i = 0; i < n && names != NULL; i++)
		buf_add(names, v[i], strlen(v[i]) + 1);
	free(v);
	free(list);
	return rc;
}

int
row_hash_check(const char *columns, const char *as, struct err *e)
{
	if (columns == NULL && as != NULL)
		return err_set(e, ERR_USAGE, false, "--hash-as needs --hash "
		    "and the members that are hashed");
	return columns == NULL ? 0 : put_hash_names(NULL, columns, as, e);
}

/* The options must have been checked. */
static int
row_hash_init(struct row_hash *h, const struct engine_conf *c, struct err *e)
{
	*h = (struct row_hash){ .max_record = c->max_record,
		.as = c->hash_as != NULL ? c->hash_as : default_name };
	buf_init(&h->names, SIZE_MAX / 2);
	buf_init(&h->text, SIZE_MAX / 2);
	return put_hash_names(
	    &h->names, c->hash, c->hash_as, e) == -1 ? -1 :
	    buf_check(&h->names, e);
}

static void
row_hash_release(struct row_hash *h)
{
	buf_release(&h->names);
	buf_release(&h->text);
	member_index_release(&h->index);
}

/* Writes the canonical JSON of the chosen members to h->text. If the record has
 * none of these members, or a number whose value is unclear, rejects the record
 * and returns false. */
static bool
put_chosen(struct row_hash *h, const struct json *j, struct outcome *o)
{
	const char *p = h->names.data, *end = p + h->names.len;
	bool nomem = false, exact = true;
	uint32_t v;

	buf_clear(&h->text);
	member_index_clear(&h->index);
	for (size_t n; p < end; p += n + 1) {
		n = strlen(p);
		v = member_index_find(&h->index, j, 0, p, n, &nomem);
		if (v == 0)
			continue;
		buf_char(&h->text, h->text.len == 0 ? '{' : ',');
		json_put_canon_string(&h->text, p, n);
		buf_char(&h->text, ':');
		exact &= json_put_canonical(&h->text, j, v);
	}
	buf_char(&h->text, '}');
	if (nomem || h->text.failed)
		_exit(ENGINE_NOMEM);
	if (h->text.len == 1)
		outcome_reject(o, "required",
		    "the record has none of the members of --hash");
	else if (!exact)
		outcome_reject(o, "number", "--hash: a number has an exponent "
		    "of more than 18 digits, so it is not known which other "
		    "spelling is the same number");
	return o->code[0] == '\0';
}

/* Appends the members of the record, except one that has the name of the
 * hash. */
static void
put_other_members(const struct row_hash *h, const struct json *j,
    struct buf *out)
{
	const struct json_tok *tok = j->tok;
	size_t n = strlen(h->as);

	for (uint32_t k = 1; k < j->n; k = tok[k + 1].next) {
		if (name_compare_text(&tok[k], j->text, h->as, n) == 0)
			continue;
		buf_add(out, j->text + tok[k].at, tok[k].len);
		buf_char(out, ':');
		json_put_compact(out, j, k + 1);
		buf_char(out, ',');
	}
}

/* Appends the record with the hash as its last member, and an LF, or rejects
 * the record. If the record has a member with the name of the hash already, the
 * hash replaces this member. */
static void
row_hash_put(struct row_hash *h, const struct json *j, struct outcome *o)
{
	char hex[HASH_HEX];
	size_t from = o->out.len, len;

	if (!put_chosen(h, j, o))
		return;
	hash_bytes(h->text.data, h->text.len, hex);
	buf_char(&o->out, '{');
	put_other_members(h, j, &o->out);
	json_put_string(&o->out, h->as, strlen(h->as));
	buf_char(&o->out, ':');
	json_put_string(&o->out, hex, strlen(hex));
	buf_char(&o->out, '}');
	len = o->out.len - from;
	buf_char(&o->out, '\n');
	if (o->out.failed)
		outcome_reject_size(o);
	else if (len > h->max_record)
		outcome_reject(o, "too_long", "with the member of --hash the "
		    "record is longer than --max-record (%zu bytes)",
		    h->max_record);
}

/* The engine of --hash: adds the hash to each output of the filter or, if there
 * is no filter, to each record. */
struct hasher {
	struct row_hash hash;
	void *filter;           /* of engine_choice, NULL without a filter */
	struct buf outputs;     /* of the filter, for one record */
	struct json json;       /* an output, parsed */
};

static void
hasher_free(void *self)
{
	struct hasher *h = self;

	if (h == NULL)
		return;
	engine_choice.free(h->filter);
	row_hash_release(&h->hash);
	buf_release(&h->outputs);
	json_release(&h->json);
	free(h);
}

static int
hasher_compile(void **self, const struct engine_conf *c, struct err *e)
{
	struct hasher *h = calloc(1, sizeof(*h));

	if (h == NULL)
		return err_nomem(e);
	buf_init(&h->outputs, SIZE_MAX / 2);
	if (row_hash_init(&h->hash, c, e) == -1 ||
	    (c->text != NULL &&
	    engine_choice.compile(&h->filter, c, e) == -1)) {
		hasher_free(h);
		return -1;
	}
	*self = h;
	return 0;
}

static void
hash_output(struct hasher *h, const char *p, size_t n, struct outcome *o)
{
	struct json_fault f = { 0 };

	if (json_scan(&h->json, p, n, JSON_LEVELS_ALL, JSON_LAST, &f) == 0)
		row_hash_put(&h->hash, &h->json, o);
	else if (f.nomem)
		_exit(ENGINE_NOMEM);
	else
		outcome_reject(o, "filter", "bug in this program: an output "
		    "of the filter is not JSON (%s); please report it", f.why);
}

static void
hash_outputs(struct hasher *h, struct outcome *o)
{
	const char *p, *end, *lf;

	buf_clear(&h->outputs);
	buf_add(&h->outputs, o->out.data, o->out.len);
	if (h->outputs.failed)
		_exit(ENGINE_NOMEM);
	buf_clear(&o->out);
	p = h->outputs.data;
	for (end = p + h->outputs.len; p < end && o->code[0] == '\0';
	    p = lf + 1) {
		lf = memchr(p, '\n', (size_t)(end - p));
		hash_output(h, p, (size_t)(lf - p), o);
	}
}

static void
hasher_run(void *self, const struct json *j, struct outcome *o)
{
	struct hasher *h = self;

	if (h->filter == NULL) {
		row_hash_put(&h->hash, j, o);
		return;
	}
	engine_choice.run(h->filter, j, o);
	if (o->code[0] == '\0' && o->out.len > 0)
		hash_outputs(h, o);
}

const struct engine engine_hash = {
	.compile = hasher_compile, .run = hasher_run, .free = hasher_free
};
