#include "expect/expect.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

static const struct figure {
	const char *name;
	bool takes_columns, compares;
	unsigned units;         /* a bit for each unit that it may have */
} figures[] = {
	[EXPECT_ROWS] = { "rows", false, true,
	    1 << EXPECT_NUMBER | 1 << EXPECT_USUAL },
	[EXPECT_REJECTED] = { "rejected", false, true,
	    1 << EXPECT_NUMBER | 1 << EXPECT_PERCENT },
	[EXPECT_NULL] = { "null", true, true,
	    1 << EXPECT_NUMBER | 1 << EXPECT_PERCENT },
	[EXPECT_UNIQUE] = { "unique", true, false, 0 },
	[EXPECT_MIN] = { "min", true, true,
	    1 << EXPECT_NOW | 1 << EXPECT_VALUE },
	[EXPECT_MAX] = { "max", true, true,
	    1 << EXPECT_NOW | 1 << EXPECT_VALUE },
};
enum { FIGURES = sizeof(figures) / sizeof(figures[0]) };

static const char *
skip_blanks(const char *p)
{
	return p + strspn(p, " \t");
}

static int
fail_test(const struct expectation *x, const char *why, struct err *e)
{
	return err_set(e, ERR_USAGE, false, "--expect %s: %s: write, for "
	    "example, rows>=100, rows>=0.5*usual, rejected<1%%, "
	    "null(COLUMN)<5%%, unique(COLUMN,COLUMN) or max(COLUMN)>=now-1d",
	    x->text, why);
}

/* Reads the first part of a test, such as null(email) of null(email)<5%, into
 * *x. Returns the position of the operator, here <, or NULL with *e. */
static const char *
read_figure(struct expectation *x, struct err *e)
{
	const char *p = skip_blanks(x->text), *end;
	size_t n = strspn(p, "abcdefghijklmnopqrstuvwxyz"), i = 0;

	while (i < FIGURES && (strlen(figures[i].name) != n ||
	    strncmp(figures[i].name, p, n) != 0))
		i++;
	if (i == FIGURES) {
		(void)fail_test(x, "it does not begin with rows, rejected, "
		    "null, unique, min or max", e);
		return NULL;
	}
	x->figure = (enum expect_figure)i;
	p = skip_blanks(p + n);
	end = *p == '(' ? strchr(p, ')') : NULL;
	if (figures[i].takes_columns != (end != NULL) || end == p + 1) {
		(void)fail_test(x, figures[i].takes_columns ?
		    "the name of a column in parentheses is missing" :
		    "it is no test of a column", e);
		return NULL;
	}
	if (end == NULL)
		return p;
	if ((x->columns = strndup(p + 1, (size_t)(end - p - 1))) == NULL) {
		(void)err_nomem(e);
		return NULL;
	}
	return skip_blanks(end + 1);
}

static const char *
read_operator(struct expectation *x, const char *p)
{
	static const char *const known[][2] = { { "<=", "<=" }, { ">=", ">=" },
	    { "!=", "<>" }, { "<>", "<>" }, { "<", "<" }, { ">", ">" },
	    { "=", "=" } };

	for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++)
		if (strncmp(p, known[i][0], strlen(known[i][0])) == 0) {
			x->operator = known[i][1];
			return skip_blanks(p + strlen(known[i][0]));
		}
	return NULL;
}

/* Reads 100, 5%, 0.5*usual or usual. */
static bool
read_number(struct expectation *x)
{
	char *end = x->value;

	x->number = 1;
	x->unit = EXPECT_NUMBER;
	if (isdigit((unsigned char)*end)) {
		x->number = strtod(x->value, &end);
		if (strspn(x->value, "0123456789.") <
		    (size_t)(end - x->value))
			return false;   /* 0x10, 1e5 */
		end += strspn(end, " ");
		if (*end == '\0')
			return true;
		if (strcmp(end, "%") == 0) {
			x->unit = EXPECT_PERCENT;
			return true;
		}
		if (*end++ != '*')
			return false;
		end += strspn(end, " ");
	}
	x->unit = EXPECT_USUAL;
	return strcmp(end, "usual") == 0;
}

/* Reads x->value. The forms now, now-1d and now+2h are times. Any other text is
 * a value that is compared with those of the column. Returns false for now+ or
 * now- without a duration. */
static bool
read_operand(struct expectation *x)
{
	const char *p = x->value;
	uint64_t ms;
	bool before;

	x->unit = EXPECT_VALUE;
	if (strncmp(p, "now", 3) != 0)
		return true;
	p = skip_blanks(p + 3);
	if (*p == '\0') {
		x->unit = EXPECT_NOW;
		return true;
	}
	before = *p == '-';
	if (*p != '-' && *p != '+')
		return true;    /* a text that begins with "now" */
	if (duration_parse(&ms, skip_blanks(p + 1)) == -1 || ms > INT64_MAX)
		return false;
	x->unit = EXPECT_NOW;
	x->offset = before ? -(int64_t)ms : (int64_t)ms;
	return true;
}

static int
read_value(struct expectation *x, const char *p, struct err *e)
{
	const struct figure *f = &figures[x->figure];
	size_t n = strlen(p);

	while (n > 0 && isspace((unsigned char)p[n - 1]))
		n--;
	if (n == 0)
		return fail_test(x, "there is nothing to compare with", e);
	if ((x->value = strndup(p, n)) == NULL)
		return err_nomem(e);
	if (!((f->units & 1 << EXPECT_NOW) != 0 ? read_operand :
	    read_number)(x) || (f->units & 1U << x->unit) == 0)
		return fail_test(x, "it cannot be compared with this", e);
	return 0;
}

static int
parse_test(struct expectation *x, struct err *e)
{
	const char *p = read_figure(x, e);

	if (p == NULL)
		return -1;
	if (!figures[x->figure].compares)
		return *p == '\0' ? 0 :
		    fail_test(x, "nothing may follow unique()", e);
	if ((p = read_operator(x, p)) == NULL)
		return fail_test(x, "an operator is missing: one of < <= > >= "
		    "= !=", e);
	return read_value(x, p, e);
}

int
expect_parse(struct expect *x, const struct opt_list *tests, struct err *e)
{
	*x = (struct expect){ 0 };
	if (tests->n == 0)
		return 0;
	if ((x->v = calloc(tests->n, sizeof(*x->v))) == NULL)
		return err_nomem(e);
	for (; x->n < tests->n; x->n++) {
		x->v[x->n].text = tests->v[x->n];
		if (parse_test(&x->v[x->n], e) == -1) {
			x->n++;         /* it may own texts */
			return -1;
		}
		x->columns |= x->v[x->n].columns != NULL;
	}
	return 0;
}

void
expect_release(struct expect *x)
{
	for (size_t i = 0; i < x->n; i++) {
		free(x->v[i].columns);
		free(x->v[i].value);
	}
	free(x->v);
	*x = (struct expect){ 0 };
}

bool
expect_compare(const struct expectation *x, double is, double wanted)
{
	const char *o = x->operator;

	if (strcmp(o, "=") == 0 || strcmp(o, "<>") == 0)
		return (is == wanted) == (*o == '=');
	if (is == wanted)
		return o[1] == '=';
	return (is < wanted) == (*o == '<');
}
