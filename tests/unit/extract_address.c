/* Tests of etl-extract: which IP addresses are private, at block edges. */
#include "src/etl-extract/http/private_address.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

static const char *const near[] = {
	"0.0.0.0", "0.255.255.255", "10.0.0.0", "10.255.255.255",
	"100.64.0.0", "100.127.255.255", "127.0.0.1", "127.255.255.255",
	"169.254.0.0", "169.254.169.254", "169.254.255.255", "172.16.0.0",
	"172.31.255.255", "192.0.0.0", "192.0.0.255", "192.168.0.0",
	"192.168.255.255", "198.18.0.0", "198.19.255.255", "224.0.0.0",
	"240.0.0.1", "255.255.255.255",
	"::", "::1", "fe80::1", "febf::1", "fec0::1", "feff::1", "fc00::1",
	"fdff::1", "ff02::1", "64:ff9b:1::10.0.0.1",
	"::ffff:10.0.0.1", "::ffff:127.0.0.1", "64:ff9b::169.254.169.254",
	"2002:a00:1::1", "2002:7f00:1::", "2002:a9fe:a9fe::1",
	"2002:c0a8:101::", "::10.0.0.1", "::169.254.169.254",
};

static const char *const link_local[] = {
	"169.254.0.0", "169.254.169.254", "169.254.255.255", "fe80::1",
	"febf::1", "::ffff:169.254.169.254", "::169.254.0.1",
	"64:ff9b::169.254.169.254", "2002:a9fe:a9fe::1",
};

static const char *const not_link_local[] = {
	"169.253.255.255", "169.255.0.0", "10.0.0.1", "127.0.0.1",
	"203.0.113.1", "::1", "fe7f::1", "fec0::1", "fc00::1",
	"::ffff:10.0.0.1", "2002:a00:1::", "2001:db8::1", "", "metadata",
};

static const char *const private_hosts[] = {
	"127.0.0.1", "10.1.2.3", "::1", "fe80::1", "::ffff:10.0.0.1",
	"localhost", "LocalHost", "a.localhost",
};

static const char *const other_hosts[] = {
	"203.0.113.1", "2001:db8::1", "example.org", "notlocalhost",
	"localhost.example", "10.1.2", "",
};

static const char *const far[] = {
	"1.0.0.0", "9.255.255.255", "11.0.0.0", "100.63.255.255",
	"100.128.0.0", "126.255.255.255", "128.0.0.0", "169.253.255.255",
	"169.255.0.0", "172.15.255.255", "172.32.0.0", "191.255.255.255",
	"192.0.1.0", "192.167.255.255", "192.169.0.0", "198.17.255.255",
	"198.20.0.0", "203.0.113.1", "223.255.255.255",
	"2001:db8::1", "fbff::1", "fe7f::1", "::ffff:203.0.113.1",
	"64:ff9b::203.0.113.1", "64:ff9b:2::10.0.0.1",
	"2002:cb00:7101::1", "2001:a00:1::1", "2003:a00:1::1",
};

static bool
is_near(const char *ip)
{
	struct sockaddr_in6 six = { .sin6_family = AF_INET6 };
	struct sockaddr_in four = { .sin_family = AF_INET };

	if (inet_pton(AF_INET, ip, &four.sin_addr) == 1)
		return is_private_address((const struct sockaddr *)&four);
	assert_int_equal(inet_pton(AF_INET6, ip, &six.sin6_addr), 1);
	return is_private_address((const struct sockaddr *)&six);
}

static void
private_addresses_are_recognised(void **state)
{
	for (size_t i = 0; i < sizeof(near) / sizeof(near[0]); i++)
		if (!is_near(near[i]) || !is_private_text(near[i]))
			fail_msg("not near: %s", near[i]);
}

static void
public_addresses_are_not_private(void **state)
{
	for (size_t i = 0; i < sizeof(far) / sizeof(far[0]); i++)
		if (is_near(far[i]) || is_private_text(far[i]))
			fail_msg("near: %s", far[i]);
}

static void
link_local_addresses_are_recognised(void **state)
{
	for (size_t i = 0; i < sizeof(link_local) / sizeof(*link_local); i++)
		if (!is_link_local(link_local[i]))
			fail_msg("not link-local: %s", link_local[i]);
	for (size_t i = 0; i < sizeof(not_link_local) /
	    sizeof(*not_link_local); i++)
		if (is_link_local(not_link_local[i]))
			fail_msg("link-local: %s", not_link_local[i]);
}

static void
private_hosts_are_recognised(void **state)
{
	for (size_t i = 0; i < sizeof(private_hosts) /
	    sizeof(*private_hosts); i++)
		if (!is_private_host(private_hosts[i]))
			fail_msg("not private: %s", private_hosts[i]);
	for (size_t i = 0; i < sizeof(other_hosts) / sizeof(*other_hosts);
	     i++)
		if (is_private_host(other_hosts[i]))
			fail_msg("private: %s", other_hosts[i]);
}

/* An unknown address may be a private one. */
static void
unknown_addresses_count_as_private(void **state)
{
	const struct sockaddr local = { .sa_family = AF_UNIX };

	assert_true(is_private_address(&local));
	assert_true(is_private_text(""));
	assert_true(is_private_text("example.org"));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(private_addresses_are_recognised),
		cmocka_unit_test(public_addresses_are_not_private),
		cmocka_unit_test(link_local_addresses_are_recognised),
		cmocka_unit_test(private_hosts_are_recognised),
		cmocka_unit_test(unknown_addresses_count_as_private),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
