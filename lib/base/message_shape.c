#include "message_shape.h"

#include <stdbool.h>
#include <string.h>

static bool
is_digit(char c)
{
	return c >= '0' && c <= '9';
}

void
message_reduce_to_shape(char *out, size_t size, const char *m)
{
	size_t n = 0;

	while (*m != '\0' && n < size - 1) {
		const char *close = *m == '\'' || *m == '"' ?
		    strchr(m + 1, *m) : NULL;

		out[n] = *m;
		if (close != NULL)
			m = close;
		else if (is_digit(*m))
			while (is_digit(m[1]))
				m++;
		if (is_digit(out[n]))
			out[n] = '0';
		n++;
		m++;
	}
	out[n] = '\0';
}
