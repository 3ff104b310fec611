#include "http/private_address.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdint.h>
#include <string.h>
#include <strings.h>

enum { LINK_LOCAL_V4 = 0xa9fe };        /* 169.254, the first 16 bits */

struct block {
	uint32_t net;
	unsigned bits;
};

static const struct block blocks[] = {
	{ 0x00000000, 8 },      /* 0.0.0.0 this host */
	{ 0x0a000000, 8 },      /* 10.0.0.0 */
	{ 0x64400000, 10 },     /* 100.64.0.0 NAT of a provider (RFC 6598) */
	{ 0x7f000000, 8 },      /* 127.0.0.0 */
	{ 0xa9fe0000, 16 },     /* 169.254.0.0 link local, cloud metadata */
	{ 0xac100000, 12 },     /* 172.16.0.0 */
	{ 0xc0000000, 24 },     /* 192.0.0.0 */
	{ 0xc0a80000, 16 },     /* 192.168.0.0 */
	{ 0xc6120000, 15 },     /* 198.18.0.0 benchmarks (RFC 2544) */
	{ 0xe0000000, 3 },      /* 224.0.0.0 multicast and reserved */
};

static bool
is_private_v4(uint32_t ip)
{
	for (size_t i = 0; i < sizeof(blocks) / sizeof(blocks[0]); i++)
		if ((ip ^ blocks[i].net) >> (32 - blocks[i].bits) == 0)
			return true;
	return false;
}

/* Returns the IPv4 address that is inside the IPv6 address p, or NULL. With the
 * prefix ::ffff:0:0/96 (mapped), ::/96 (compatible) or 64:ff9b::/96 (NAT64) it
 * is the last four bytes; with 2002::/16 (6to4) it is the four bytes after the
 * prefix. */
static const unsigned char *
find_v4_in_v6(const unsigned char *p)
{
	static const unsigned char mapped[12] = { [10] = 0xff, [11] = 0xff };
	static const unsigned char compatible[12] = { 0 };
	static const unsigned char nat64[12] = { 0x00, 0x64, 0xff, 0x9b };
	static const unsigned char six_to_four[2] = { 0x20, 0x02 };

	if (memcmp(p, mapped, 12) == 0 || memcmp(p, nat64, 12) == 0 ||
	    memcmp(p, compatible, 12) == 0)
		return p + 12;
	return memcmp(p, six_to_four, 2) == 0 ? p + 2 : NULL;
}

static bool
is_private_v6(const struct in6_addr *a)
{
	static const unsigned char local_nat64[6] = { 0x00, 0x64, 0xff, 0x9b,
		0x00, 0x01 };
	const unsigned char *p = a->s6_addr, *inner = find_v4_in_v6(p);
	uint32_t v4;

	if (inner != NULL) {
		memcpy(&v4, inner, sizeof(v4));
		return is_private_v4(ntohl(v4));
	}
	return IN6_IS_ADDR_UNSPECIFIED(a) || IN6_IS_ADDR_LOOPBACK(a) ||
	    IN6_IS_ADDR_LINKLOCAL(a) || IN6_IS_ADDR_SITELOCAL(a) ||
	    IN6_IS_ADDR_MULTICAST(a) || (p[0] & 0xfe) == 0xfc ||
	    memcmp(p, local_nat64, sizeof(local_nat64)) == 0;
}

bool
is_private_address(const struct sockaddr *a)
{
	struct sockaddr_in in;
	struct sockaddr_in6 in6;

	if (a->sa_family == AF_INET) {
		memcpy(&in, a, sizeof(in));
		return is_private_v4(ntohl(in.sin_addr.s_addr));
	}
	if (a->sa_family == AF_INET6) {
		memcpy(&in6, a, sizeof(in6));
		return is_private_v6(&in6.sin6_addr);
	}
	return true;
}

bool
is_private_text(const char *ip)
{
	struct in_addr in;
	struct in6_addr in6;

	if (inet_pton(AF_INET, ip, &in) == 1)
		return is_private_v4(ntohl(in.s_addr));
	return inet_pton(AF_INET6, ip, &in6) != 1 || is_private_v6(&in6);
}

bool
is_link_local(const char *ip)
{
	const unsigned char *inner;
	struct in_addr in;
	struct in6_addr in6;

	if (inet_pton(AF_INET, ip, &in) == 1)
		return ntohl(in.s_addr) >> 16 == LINK_LOCAL_V4;
	if (inet_pton(AF_INET6, ip, &in6) != 1)
		return false;
	if ((inner = find_v4_in_v6(in6.s6_addr)) != NULL)
		return inner[0] == LINK_LOCAL_V4 >> 8 &&
		    inner[1] == (LINK_LOCAL_V4 & 0xff);
	return IN6_IS_ADDR_LINKLOCAL(&in6);
}

bool
is_private_host(const char *host)
{
	static const char local[] = "localhost";
	size_t n = strlen(host);
	struct in_addr in;
	struct in6_addr in6;

	if (inet_pton(AF_INET, host, &in) == 1 ||
	    inet_pton(AF_INET6, host, &in6) == 1)
		return is_private_text(host);
	return n >= sizeof(local) - 1 &&
	    strcasecmp(host + n - (sizeof(local) - 1), local) == 0 &&
	    (n == sizeof(local) - 1 || host[n - sizeof(local)] == '.');
}

int
fail_private(struct err *e)
{
	return err_set(e, ERR_DENIED, false,
	    "refused a link or redirect from a public address to a private "
	    "one, or a host that had a public address before: it could reach "
	    "servers inside your network; if you trust it, give etl-extract "
	    "the private URL itself");
}

int
fail_link_local(struct err *e)
{
	return err_set(e, ERR_DENIED, false,
	    "refused a link-local address (169.254.0.0/16 or fe80::/10), at "
	    "which clouds give credentials to everybody who asks: if you want "
	    "to read it, give etl-extract a URL with the address itself");
}
