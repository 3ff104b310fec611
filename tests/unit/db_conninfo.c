/* Tests of lib/db: the message about a bad database URL hides its password, and
 * the name of a database in messages is a URL. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "db/db.h"
#include "db/pg_connect.h"

static void
refused(const char *url, enum err_code code, const char *part)
{
	struct err e = { 0 };
	struct db *db = NULL;

	assert_int_equal(db_open(&db, url, &e), -1);
	if (strstr(e.msg, "cret") != NULL || strstr(e.msg, part) == NULL ||
	    e.code != code)
		fail_msg("%s: %d: %s", url, e.code, e.msg);
	assert_int_equal(e.transient, code == ERR_REFUSED);
}

static void
no_message_shows_part_of_a_password(void **state)
{
	static const char *const urls[] = {
		"host=127.0.0.1 port=1 password=se cret",
		"host=127.0.0.1 port=1 password='secret",
		"host=127.0.0.1 port=1 password=x ecret=y",
		"postgresql://u:secret%zz@127.0.0.1:1/x",
		"postgresql://u:secret%00@127.0.0.1:1/x",
		"postgresql://u:secret@[::1/x",
		"postgresql://u:secret@[]/x",
		"postgresql://u:secret@[::1]x/y",
		"postgresql://u:p@cret@127.0.0.1:1/x",
		"postgresql://u:cret/x@127.0.0.1:1/x",
		"postgresql://127.0.0.1:1/x?password=se=cret",
		"postgresql://127.0.0.1:1/x?password",
		"postgresql://127.0.0.1:1/x?pasword=secret",
	};

	for (size_t i = 0; i < sizeof(urls) / sizeof(urls[0]); i++)
		refused(urls[i], ERR_CONFIG, "cannot parse the address");
}

static void
a_valid_address_is_connected_to(void **state)
{
	refused("postgresql://u:secret@127.0.0.1:1/x", ERR_REFUSED,
	    "port 1 failed");
	refused("postgresql://u:s%40cret@127.0.0.1:1,127.0.0.1:2/x",
	    ERR_REFUSED, "port 2 failed");
	refused("host=127.0.0.1 port=1 password=secret", ERR_REFUSED,
	    "port 1 failed");
	refused("host=@/nowhere password=secret", ERR_REFUSED, "@/nowhere");
	refused("service=nobodys password=secret", ERR_CONFIG, "nobodys");
	refused("mysql://u:secret@h/x", ERR_CONFIG, "mysql: no such kind");
	refused("/tmp/x.db", ERR_CONFIG, "/tmp/x.db: no such kind");
	refused("./x.db", ERR_CONFIG, "./x.db: no such kind");
	refused("sqlite://x.db", ERR_CONFIG, "write sqlite:PATH");
}

static void
the_name_of_a_database_is_a_url(void **state)
{
	static const struct {
		struct pg_place place;
		const char *url;
	} names[] = {
		{ { "u", "h", "5433", "x" }, "postgresql://u@h:5433/x" },
		{ { "u", "/run", "5432", "x" }, "postgresql://u@/x" },
		{ { "u", "::1", "5433", "x" }, "postgresql://u@[::1]:5433/x" },
		{ { NULL, NULL, NULL, NULL }, "postgresql:///" },
	};

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		struct buf b;

		buf_init(&b, 256);
		pg_name_put(&b, &names[i].place);
		assert_string_equal(buf_text(&b), names[i].url);
		buf_release(&b);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(no_message_shows_part_of_a_password),
		cmocka_unit_test(a_valid_address_is_connected_to),
		cmocka_unit_test(the_name_of_a_database_is_a_url),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
