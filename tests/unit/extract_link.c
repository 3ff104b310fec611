/* Tests of etl-extract: Link headers (RFC 8288). */
#include "src/etl-extract/http/answer.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

static const struct {
	const char *value, *next;       /* next: NULL if there is none */
} values[] = {
	{ "<http://h/2>; rel=\"next\"", "http://h/2" },
	{ "<http://h/2>;rel=next", "http://h/2" },
	{ "<http://h/2>; rel=next;", "http://h/2" },
	{ "<?page=2> ; rel = \"next\"", "?page=2" },
	{ "<>; rel=next", "" },
	{ "</1>; rel=prev, </2>; rel=next", "/2" },
	{ ",, ,</2>; rel=next,,", "/2" },
	{ "</2>; REL=NeXt", "/2" },
	{ "</2>; rel=\"last  next\tx\"", "/2" },
	{ "</2>; rel=\"n\\ext\"", "/2" },
	{ "</a,b;c>; rel=next", "/a,b;c" },
	{ "</1>; title=\"a, <b>; rel=next\"; rel=x, </2>; rel=next", "/2" },
	{ "</1>; title=\"\\\"\"; rel=prev, </2>; title=\"\\\\\"; rel=next",
	    "/2" },
	{ "</1>; title*=UTF-8''%e2%82%ac; rel=next", "/1" },
	{ "</1>; rel=prev; rel=next, </2>; rel=next; rel=prev", "/2" },
	{ "</1>; rel=next; anchor=\"/x\", </2>; rel=next", "/2" },
	{ "</1>;; rel=next", "/1" },
	{ "</1>; rel=next; title=\"not closed", "/1" },
	{ "</1>; rel=nextx, </2>; rel=\"xnext\", </3>; rel=nex", NULL },
	{ "</1>; rel, </2>", NULL },
	{ "</1>; rel=\"\"", NULL },
	{ "</1; rel=next", NULL },
	{ "/1; rel=next", NULL },
	{ "</1>; rel=prev, x, </2>; rel=next", NULL },
	{ "</1> x; rel=next", NULL },
	{ "</1>; xrel=next", NULL },
	{ "", NULL },
};

static void
a_link_to_the_next_page_is_found(void **state)
{
	for (size_t i = 0; i < sizeof(values) / sizeof(values[0]); i++) {
		const char *v = values[i].value, *want = values[i].next;
		const char *uri = NULL;
		size_t n = 0;
		bool found = link_find_in_value(v, strlen(v), &uri, &n);

		if (found != (want != NULL) || (found &&
		    (n != strlen(want) || memcmp(uri, want, n) != 0)))
			fail_msg("%s: got %.*s", v, (int)n, uri);
	}
}

static void
all_headers_named_link_count(void **state)
{
	static const char head[] = "Linked: </0>; rel=next\r\n"
	    "LINK: </1>; rel=prev\r\nX: y\r\nlink:   </2>; rel=next  \r\n\r\n";
	struct http_answer a;
	const char *uri;
	size_t n;

	http_answer_init(&a, 1);
	assert_false(link_find_next(&a, &uri, &n));
	buf_str(&a.head, head);
	assert_true(link_find_next(&a, &uri, &n));
	assert_int_equal(n, 2);
	assert_memory_equal(uri, "/2", 2);
	http_answer_release(&a);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_link_to_the_next_page_is_found),
		cmocka_unit_test(all_headers_named_link_count),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
