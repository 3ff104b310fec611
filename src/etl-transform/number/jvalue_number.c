#include "number/jvalue.h"

#include <dlfcn.h>
#include <string.h>

/* libjq keeps only the double of a number. So its result for a number that no
 * double holds (12345678901234567890 + 1) looks exact and is wrong. libjq does
 * not tell when it computes, but it gets each double by jv_number_value(), a
 * function that a program may define in its place. This file does so, and also
 * for the functions that get doubles in order to compare or to print messages:
 * this is no computation.
 *
 * The members of a jv are private to libjq. Only this file uses one of them:
 * libjq leaves `size` of a number 0 and copies it with the rest. */

/* The functions of libjq that have no argument for a state call the functions
 * below, so their state is static. */
static struct {
	double (*number_value)(jv);
	int (*equal)(jv, jv);
	int (*cmp)(jv, jv);
	char *(*dump_string_trunc)(jv, char *, size_t);
	void (*dumpf)(jv, FILE *, int);
	unsigned int compares, messages;        /* calls that have begun */
	bool computed;
	/* While it compares: the number before. */
	bool has_last, last_is_lost;
	double last;
} libjq;

/* ISO C has no cast from dlsym()'s pointer to that of a function. */
static void
find(const char *name, void *function)
{
	void *found = dlsym(RTLD_NEXT, name);

	memcpy(function, &found, sizeof(found));
}

static void __attribute__((constructor))
find_functions(void)
{
	find("jv_number_value", &libjq.number_value);
	find("jv_equal", &libjq.equal);
	find("jv_cmp", &libjq.cmp);
	find("jv_dump_string_trunc", &libjq.dump_string_trunc);
	find("jv_dumpf", &libjq.dumpf);
}

bool
jvalue_is_marked(jv v)
{
	return jv_get_kind(v) == JV_KIND_NUMBER && v.size != NUMBER_HELD;
}

static bool
is_lost(jv v)
{
	return jv_get_kind(v) == JV_KIND_NUMBER && v.size >= NUMBER_LOST;
}

jv
jvalue_number(double d, enum number_fit fit)
{
	jv v = jv_number(d);

	v.size = (int)fit;
	return v;
}

double
jvalue_double(jv v)
{
	return libjq.number_value(v);
}

bool
jvalue_take_computed(void)
{
	bool computed = libjq.computed;

	libjq.computed = false;
	return computed;
}

/* While libjq compares, it gets the doubles of two numbers one after the other.
 * A number that no double holds is not equal to one that its double holds: if
 * both have the same double, their order is unknown. So is that of different
 * numbers that had to share a double. */
static void
note_unknown_order(jv v)
{
	double d = libjq.number_value(v);

	if (libjq.has_last && libjq.last == d &&
	    (libjq.last_is_lost != is_lost(v) || v.size == NUMBER_MIXED))
		libjq.computed = true;
	libjq.has_last = true;
	libjq.last = d;
	libjq.last_is_lost = is_lost(v);
}

double
jv_number_value(jv v)
{
	if (libjq.compares > 0)
		note_unknown_order(v);
	else if (libjq.messages == 0 && is_lost(v))
		libjq.computed = true;
	return libjq.number_value(v);
}

int
jv_equal(jv a, jv b)
{
	int result;

	libjq.has_last &= libjq.compares++ > 0;
	result = libjq.equal(a, b);
	libjq.compares--;
	return result;
}

int
jv_cmp(jv a, jv b)
{
	int result;

	libjq.has_last &= libjq.compares++ > 0;
	result = libjq.cmp(a, b);
	libjq.compares--;
	return result;
}

char *
jv_dump_string_trunc(jv v, char *text, size_t size)
{
	char *result;

	libjq.messages++;
	result = libjq.dump_string_trunc(v, text, size);
	libjq.messages--;
	return result;
}

void
jv_dumpf(jv v, FILE *f, int flags)
{
	libjq.messages++;
	libjq.dumpf(v, f, flags);
	libjq.messages--;
}
