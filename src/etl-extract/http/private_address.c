#include "http/private_address.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdint.h>
#include <string.h>

struct block {
	uint32_t net;
	unsigned bits;
};

static const struct block blocks[] = {
	{ 0x00000000, 8 },      /* 0.0.0.0 this host */
	{ 0x0a000000, 8 },      /* 10.0.0.0 */
	{ 0x64400000, 10 },     /* 100.64.0.0 shared by a provider */
	{ 0x7f000000, 8 },      /* 127.0.0.0 */
	{ 0xa9fe0000, 16 },     /* 169.254.0.0 link local, metadata */
	{ 0xac100000, 12 },     /* 172.16.0.0 */
	{ 0xc0000000, 24 },     /* 192.0.0.0 */
	{ 0xc0a80000, 16 },     /* 192.168.0.0 */
	{ 0xc6120000, 15 },     /* 198.18.0.0 benchmarks */
	{ 0xe0000000, 3 },      /* 224.0.0.0 multicast, reserved */
};

static bool
private_v4(uint32_t ip)
{
	for (size_t i = 0; i < sizeof(blocks) / sizeof(blocks[0]); i++)
		if ((ip ^ blocks[i].net) >> (32 - blocks[i].bits) == 0)
			return true;
	return false;
}

/* An address of version 4 inside one of version 6. */
static bool
embedded_v4(const unsigned char *p)
{
	static const unsigned char mapped[12] = { [10] = 0xff, [11] = 0xff };
	static const unsigned char nat64[12] = { 0x00, 0x64, 0xff, 0x9b };

	return memcmp(p, mapped, 12) == 0 || memcmp(p, nat64, 12) == 0;
}

static bool
private_v6(const struct in6_addr *a)
{
	static const unsigned char local_nat64[6] = { 0x00, 0x64, 0xff, 0x9b,
		0x00, 0x01 };
	const unsigned char *p = a->s6_addr;
	uint32_t v4;

	if (embedded_v4(p)) {
		memcpy(&v4, p + 12, sizeof(v4));
		return private_v4(ntohl(v4));
	}
	return IN6_IS_ADDR_UNSPECIFIED(a) || IN6_IS_ADDR_LOOPBACK(a) ||
	    IN6_IS_ADDR_LINKLOCAL(a) || IN6_IS_ADDR_SITELOCAL(a) ||
	    IN6_IS_ADDR_MULTICAST(a) || (p[0] & 0xfe) == 0xfc ||
	    memcmp(p, local_nat64, sizeof(local_nat64)) == 0;
}

bool
address_private(const struct sockaddr *a)
{
	struct sockaddr_in in;
	struct sockaddr_in6 in6;

	if (a->sa_family == AF_INET) {
		memcpy(&in, a, sizeof(in));
		return private_v4(ntohl(in.sin_addr.s_addr));
	}
	if (a->sa_family == AF_INET6) {
		memcpy(&in6, a, sizeof(in6));
		return private_v6(&in6.sin6_addr);
	}
	return true;
}

bool
address_text_private(const char *ip)
{
	struct in_addr in;
	struct in6_addr in6;

	if (inet_pton(AF_INET, ip, &in) == 1)
		return private_v4(ntohl(in.s_addr));
	return inet_pton(AF_INET6, ip, &in6) != 1 || private_v6(&in6);
}
