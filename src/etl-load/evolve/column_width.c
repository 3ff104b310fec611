#include "evolve/column_width.h"

#include "base/buf.h"
#include "create/value_kinds.h"

#include <string.h>

enum type_class { OTHER, SMALL_INTEGER, BIGINT, NUMERIC, NUMERIC_CUT, FLOAT,
	WORD };

static enum type_class
get_class_of_type(const char *type)
{
	static const struct {
		const char *type;
		enum type_class class;
	} types[] = {
		{ "smallint", SMALL_INTEGER }, { "integer", SMALL_INTEGER },
		{ "bigint", BIGINT }, { "numeric", NUMERIC },
		{ "real", FLOAT }, { "double precision", FLOAT },
		{ "boolean", WORD }, { "date", WORD },
		{ "timestamp with time zone", WORD },
	};

	for (size_t i = 0; i < sizeof(types) / sizeof(types[0]); i++)
		if (strcmp(type, types[i].type) == 0)
			return types[i].class;
	return strncmp(type, "numeric(", 8) == 0 ? NUMERIC_CUT : OTHER;
}

enum column_width
column_wider_type(const struct column *c, unsigned kinds)
{
	const unsigned integers = KIND_INT | KIND_WIDE;
	const unsigned numbers = integers | KIND_REAL | KIND_DECIMAL;
	enum type_class class = get_class_of_type(c->type);

	if (kinds == 0 || class == OTHER)
		return WIDTH_KEEP;
	if ((kinds & ~numbers) != 0 || class == WORD)
		return WIDTH_TEXT;
	switch (class) {
	case SMALL_INTEGER:
		return (kinds & ~integers) == 0 ? WIDTH_BIGINT :
		    WIDTH_NUMERIC;
	case BIGINT:
		return (kinds & ~integers) == 0 ? WIDTH_KEEP : WIDTH_NUMERIC;
	case NUMERIC:
		return WIDTH_KEEP;
	default:
		return WIDTH_NUMERIC;
	}
}

const char *
column_width_type(enum column_width w)
{
	return w == WIDTH_BIGINT ? "bigint" : w == WIDTH_NUMERIC ? "numeric" :
	    "text";
}

/* A float becomes numeric by way of its text: a direct cast of float8 to
 * numeric would keep only 15 digits. */
void
column_put_widening(
    struct buf *b, const struct column *c, enum column_width w)
{
	buf_printf(b, "ALTER COLUMN %s TYPE %s", c->quoted,
	    column_width_type(w));
	if (w == WIDTH_NUMERIC)
		buf_printf(b, " USING %s::pg_catalog.text::pg_catalog.numeric",
		    c->quoted);
	else if (w == WIDTH_TEXT)
		buf_printf(b, " USING pg_catalog.to_json(%s) "
		    "OPERATOR(pg_catalog.#>>) '{}'", c->quoted);
}
