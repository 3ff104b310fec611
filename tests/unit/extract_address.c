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
	"2002:c0a8:101::",
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
		return is_private_or_unknown_address(
		    (const struct sockaddr *)&four);
	assert_int_equal(inet_pton(AF_INET6, ip, &six.sin6_addr), 1);
	return is_private_or_unknown_address((const struct sockaddr *)&six);
}

static void
private_addresses_are_recognised(void **state)
{
	for (size_t i = 0; i < sizeof(near) / sizeof(near[0]); i++)
		if (!is_near(near[i]) ||
		    !is_private_or_invalid_address_text(near[i]))
			fail_msg("not near: %s", near[i]);
}

static void
public_addresses_are_not_private(void **state)
{
	for (size_t i = 0; i < sizeof(far) / sizeof(far[0]); i++)
		if (is_near(far[i]) ||
		    is_private_or_invalid_address_text(far[i]))
			fail_msg("near: %s", far[i]);
}

/* An unknown address may be a private one. */
static void
unknown_addresses_count_as_private(void **state)
{
	const struct sockaddr local = { .sa_family = AF_UNIX };

	assert_true(is_private_or_unknown_address(&local));
	assert_true(is_private_or_invalid_address_text(""));
	assert_true(is_private_or_invalid_address_text("example.org"));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(private_addresses_are_recognised),
		cmocka_unit_test(public_addresses_are_not_private),
		cmocka_unit_test(unknown_addresses_count_as_private),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
