#include "module/utc_offset.h"

static bool
parse_two_digits(const char *p, int *v)
{
	if (p[0] < '0' || p[0] > '9' || p[1] < '0' || p[1] > '9')
		return false;
	*v = (p[0] - '0') * 10 + (p[1] - '0');
	return true;
}

bool
utc_offset_parse(const char *p, size_t n, int *seconds)
{
	int hours, minutes = 0;

	*seconds = 0;
	if (n == 1)
		return *p == 'Z' || *p == 'z';
	if ((n != 3 && n != 5 && n != 6) || (p[0] != '+' && p[0] != '-') ||
	    !parse_two_digits(p + 1, &hours) || (n == 6 && p[3] != ':') ||
	    (n > 3 && !parse_two_digits(p + n - 2, &minutes)))
		return false;
	*seconds = (hours * 3600 + minutes * 60) * (p[0] == '-' ? -1 : 1);
	return hours < 24 && minutes < 60;
}
