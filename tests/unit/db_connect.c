/* Tests of lib/db: the addresses of a server are tried one after the other. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "db/db.h"
#include "db/pg_connect.h"

#include <arpa/inet.h>
#include <dlfcn.h>
#include <netdb.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

static struct addrinfo *
number(const char *addr, const char *service, const struct addrinfo *hints)
{
	int (*real)(const char *, const char *, const struct addrinfo *,
	    struct addrinfo **);
	struct addrinfo *a = NULL;

	*(void **)&real = dlsym(RTLD_NEXT, "getaddrinfo");
	(void)real(addr, service, hints, &a);
	return a;
}

/* Replaces libc's function, in libpq, too: "two.example" has the addresses
 * 127.0.0.2 and 127.0.0.1; "nobody.example" is unknown. */
int
getaddrinfo(const char *node, const char *service,
    const struct addrinfo *hints, struct addrinfo **out)
{
	if (node != NULL && strcmp(node, "nobody.example") == 0)
		return EAI_NONAME;
	if (node == NULL || strcmp(node, "two.example") != 0)
		return (*out = number(node, service, hints)) == NULL ?
		    EAI_NONAME : 0;
	*out = number("127.0.0.2", service, hints);
	if (*out != NULL)
		(*out)->ai_next = number("127.0.0.1", service, hints);
	return *out == NULL ? EAI_NONAME : 0;
}

/* Checks the list read from in, without the address drop if drop is set. */
static void
check(const char *const in[3], const char *const drop[3],
    const char *const out[3])
{
	struct hosts h;
	struct buf b[3];
	struct err e;

	assert_int_equal(hosts_resolve(&h, in[0], in[1], in[2], &e), 0);
	if (drop != NULL)
		hosts_remove(&h, drop[0], drop[1], drop[2]);
	for (int i = 0; i < 3; i++)
		buf_init(&b[i], 1000);
	hosts_put(&h, &b[0], &b[1], &b[2]);
	for (int i = 0; i < 3; i++) {
		assert_string_equal(buf_text(&b[i]), out[i]);
		buf_release(&b[i]);
	}
	hosts_release(&h);
}
#define L(...) ((const char *const[3]){ __VA_ARGS__ })

static void
address_lists_are_split(void **state)
{
	check(L(NULL, NULL, NULL), NULL, L("", "", ""));
	check(L("/tmp", NULL, "5"), NULL, L("/tmp", "", "5"));
	check(L(NULL, "127.0.0.1,::1", "5"), NULL,
	    L(",", "127.0.0.1,::1", "5,5"));
	check(L("a,@b", "0:0::1,", "5,6"), NULL, L("a,@b", "::1,", "5,6"));
	check(L("two.example,,127.1", "", ",6,"), NULL,
	    L("two.example,two.example,,127.1",
	    "127.0.0.2,127.0.0.1,,127.0.0.1", ",,6,"));
	check(L("nobody.example,/x", NULL, "5"), NULL,
	    L("nobody.example,/x", ",", "5,5"));
}

static void
one_address_is_removed_from_a_list(void **state)
{
	const char *const *two = L("two.example,127.0.0.1,127.0.0.1", NULL,
	    "5,5,6");

	check(two, L("two.example", "127.0.0.1", "5"),
	    L("two.example,127.0.0.1,127.0.0.1",
	    "127.0.0.2,127.0.0.1,127.0.0.1", "5,5,6"));
	check(two, L("127.0.0.1", "127.0.0.1", "6"),
	    L("two.example,two.example,127.0.0.1",
	    "127.0.0.2,127.0.0.1,127.0.0.1", "5,5,5"));
	check(two, L("nobody", "127.0.0.1", "5"),
	    L("two.example,127.0.0.1,127.0.0.1",
	    "127.0.0.1,127.0.0.1,127.0.0.1", "5,5,6"));
	check(L(NULL, "::1,fe80::1%lo", ""), L("fe80::1", "fe80::1", "5432"),
	    L("", "::1", ""));
	check(L("/tmp,/run", NULL, "5"), L("/run", "", "5"),
	    L("/tmp", "", "5"));
	check(L("/tmp", NULL, "5"), L("/tmp", "", "5"), L("", "", ""));
}

/* The first address of the name accepts connections and never answers. */
static void
a_silent_address_is_followed_by_the_next(void **state)
{
	const char *port = getenv("PGPORT");
	struct sockaddr_in in = { .sin_family = AF_INET,
		.sin_port = htons((uint16_t)strtol(port != NULL ? port : "",
		    NULL, 10)),
		.sin_addr.s_addr = inet_addr("127.0.0.2") };
	int fd = socket(AF_INET, SOCK_STREAM, 0);
	struct err e = { 0 };
	struct db *db;

	assert_int_equal(bind(fd, (struct sockaddr *)&in, sizeof(in)), 0);
	assert_int_equal(listen(fd, 5), 0);
	if (db_open(&db, "postgresql://two.example/postgres?connect_timeout=2",
	    &e) == -1)
		fail_msg("%s", e.msg);
	assert_non_null(strstr(db_name(db), "two.example"));
	assert_int_equal(db_script(db, "SELECT 1", &e), 0);
	db_close(db);
	(void)close(fd);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(address_lists_are_split),
		cmocka_unit_test(one_address_is_removed_from_a_list),
		cmocka_unit_test(a_silent_address_is_followed_by_the_next),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
