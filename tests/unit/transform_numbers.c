/* The work of etl-transform for the numbers of a record grows no faster than
 * n log n, whatever the record holds. The work is counted, not timed: the code
 * under test is compiled so that it calls count_jump() in each block of code,
 * and the linker replaces its calls of memcmp() by count_and_compare(). */
#include "json_help.h"

#include "base/buf.h"
#include "jq/filter.h"

#include <string.h>

enum { SMALL = 1000, TIMES = 4 };

static uint64_t work;

void count_jump(void) __asm__("__sanitizer_cov_trace_pc");
int real_memcmp(const void *a, const void *b, size_t n)
    __asm__("__real_memcmp");
int count_and_compare(const void *a, const void *b, size_t n)
    __asm__("__wrap_memcmp");

void
count_jump(void)
{
	work++;
}

int
count_and_compare(const void *a, const void *b, size_t n)
{
	const char *p = a, *q = b;

	for (size_t i = 0; i < n && p[i] == q[i]; i++)
		work++;
	return real_memcmp(a, b, n);
}

static void
put_zeros(struct buf *b, unsigned int n)
{
	for (; n > 0; n--)
		buf_char(b, '0');
}

/* Each of the functions below writes a record of about n values. */
static void
close_to_one(struct buf *b, unsigned int n)
{
	buf_str(b, "{\"l\":[1");
	for (unsigned int i = 0; i < n; i++)
		buf_printf(b, ",1.%060u", i + 1);
	buf_str(b, "]}");
}

static void
spellings_of_one(struct buf *b, unsigned int n)
{
	buf_str(b, "{\"l\":[1");
	for (unsigned int i = 0; i < n; i++)
		buf_printf(b, ",1e%s%0*d", i & 1 ? "-" : "+",
		    (int)(i % 50) + 1, 0);
	buf_str(b, "]}");
}

static void
one_number_repeated(struct buf *b, unsigned int n)
{
	buf_str(b, "{\"l\":[1.0");
	for (unsigned int i = 0; i < n; i++)
		buf_str(b, ",1");
	buf_str(b, "]}");
}

static void
beyond_the_largest_double(struct buf *b, unsigned int n)
{
	buf_str(b, "{\"l\":[1.0");
	for (unsigned int i = 0; i < n; i++)
		buf_printf(b, ",1e%u", 400 + i);
	buf_str(b, "]}");
}

static void
below_the_least_double(struct buf *b, unsigned int n)
{
	buf_str(b, "{\"l\":[1.0");
	for (unsigned int i = 0; i < n; i++)
		buf_printf(b, ",1e-%u,-1e-%u", 400 + i, 400 + i);
	buf_str(b, "]}");
}

static void
one_very_long_number(struct buf *b, unsigned int n)
{
	buf_str(b, "{\"l\":[1.");
	put_zeros(b, 4 * n);
	for (unsigned int i = 0; i < n; i++)
		buf_printf(b, ",1.%s%u", i & 1 ? "" : "0000000000000000000",
		    i);
	buf_str(b, "]}");
}

static void
many_members(struct buf *b, unsigned int n)
{
	buf_str(b, "{\"first\":1.0");
	for (unsigned int i = 0; i < n; i++)
		buf_printf(b, ",\"member%s%u\":1.%u", i & 1 ? "\\u0061" : "",
		    i, i & 3);
	buf_str(b, "}");
}

static void
many_objects(struct buf *b, unsigned int n)
{
	buf_str(b, "{\"l\":[1.0");
	for (unsigned int i = 0; i < n; i++)
		buf_printf(b, ",{\"a\":1,\"m%u\":1.00}", i);
	buf_str(b, "]}");
}

static void
one_very_long_name(struct buf *b, unsigned int n)
{
	buf_str(b, "{\"l");
	put_zeros(b, 4 * n);
	buf_str(b, "\":[1");
	for (unsigned int i = 0; i < n; i++)
		buf_str(b, ",1.0,{\"b\":1.00}");
	buf_str(b, "]}");
}

static void
texts_close_to_one(struct buf *b, unsigned int n)
{
	buf_str(b, "{\"l\":[1.");
	put_zeros(b, 4 * n);
	buf_str(b, "1");
	for (unsigned int i = 0; i < n; i++)
		buf_printf(b, ",\"1.%040u\"", (i + 1) / 2);
	buf_str(b, "]}");
}

static void
texts_of_many_numbers(struct buf *b, unsigned int n)
{
	buf_str(b, "{\"l\":[1.0");
	for (unsigned int i = 0; i < n; i++)
		buf_printf(b, ",\"%u\"", i * 7919 % 1000003);
	buf_str(b, "]}");
}

static void
texts_beyond_the_largest_double(struct buf *b, unsigned int n)
{
	buf_str(b, "{\"l\":[1e400");
	for (unsigned int i = 0; i < n; i++)
		buf_printf(b, ",\"1e%u\",\"1.79769313486231570%ue308\"",
		    400 + i, i);
	buf_str(b, "]}");
}

static const struct {
	const char *name;
	void (*put)(struct buf *b, unsigned int n);
} shapes[] = {
	{ "close_to_one", close_to_one },
	{ "spellings_of_one", spellings_of_one },
	{ "one_number_repeated", one_number_repeated },
	{ "beyond_the_largest_double", beyond_the_largest_double },
	{ "below_the_least_double", below_the_least_double },
	{ "one_very_long_number", one_very_long_number },
	{ "many_members", many_members },
	{ "many_objects", many_objects },
	{ "one_very_long_name", one_very_long_name },
	{ "texts_close_to_one", texts_close_to_one },
	{ "texts_of_many_numbers", texts_of_many_numbers },
	{ "texts_beyond_the_largest_double", texts_beyond_the_largest_double },
};

/* Converts the texts in the array `l` of a record as to_number does. */
static jv
make_numbers(struct numbers *t, jv record)
{
	jv l = jv_object_get(jv_copy(record), jv_string("l"));

	if (jv_get_kind(l) != JV_KIND_ARRAY) {
		jv_free(l);
		return record;
	}
	for (int i = 0; i < jv_array_length(jv_copy(l)); i++) {
		jv x = jv_array_get(jv_copy(l), i);

		if (jv_get_kind(x) == JV_KIND_STRING)
			l = jv_array_set(l, i, jv_number(numbers_add_made(t,
			    jv_string_value(x), strlen(jv_string_value(x)),
			    i & 1)));
		jv_free(x);
	}
	return jv_object_set(record, jv_string("l"), l);
}

static jv
reverse_members(jv record)
{
	jv names = jv_keys_unsorted(jv_copy(record)), o = jv_object();

	for (int i = jv_array_length(jv_copy(names)); i > 0; i--) {
		jv name = jv_array_get(jv_copy(names), i - 1);

		o = jv_object_set(o, name,
		    jv_object_get(jv_copy(record), jv_copy(name)));
	}
	jv_free(names);
	jv_free(record);
	return o;
}

/* Reads the record of the shape, and writes it as it is, in another order and
 * inside another object. Returns the work of all this. */
static uint64_t
work_of(void (*put)(struct buf *b, unsigned int n), unsigned int n)
{
	struct buf text, out;
	struct numbers numbers;
	struct reader reader;
	struct scanned s;
	jv v;

	buf_init(&text, UINT32_MAX);
	buf_init(&out, UINT32_MAX);
	numbers_init(&numbers);
	reader_init(&reader, &numbers);
	put(&text, n);
	scan(&s, text.data, text.len, JSON_LEVELS_ALL, JSON_UNIQUE);
	assert_int_equal(s.rc, 0);
	work = 0;
	v = jvalue_read(&reader, &s.j);
	(void)jvalue_write(&out, v, &numbers, true);
	if (memchr(text.data, '\\', text.len) == NULL) {
		assert_int_equal(out.len, text.len);
		assert_memory_equal(out.data, text.data, text.len);
	}
	v = make_numbers(&numbers, v);
	v = reverse_members(v);
	(void)jvalue_write(&out, v, &numbers, true);
	v = jv_object_set(jv_object(), jv_string("o"), v);
	(void)jvalue_write(&out, v, &numbers, true);
	assert_false(numbers.nomem || out.failed);
	jv_free(v);
	scanned_free(&s);
	reader_release(&reader);
	numbers_release(&numbers);
	buf_release(&text);
	buf_release(&out);
	return work;
}

/* For a record four times as long, quadratic work would be sixteen times as
 * much; n log n is five times as much. */
static void
test_work_is_not_quadratic(void **state)
{
	for (size_t i = 0; i < sizeof(shapes) / sizeof(shapes[0]); i++) {
		uint64_t few = work_of(shapes[i].put, SMALL);
		uint64_t many = work_of(shapes[i].put, TIMES * SMALL);

		if (many > few * 13 / 2)
			fail_msg("%s: %llu, and %llu for %d times as many",
			    shapes[i].name, (unsigned long long)few,
			    (unsigned long long)many, TIMES);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_work_is_not_quadratic),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
