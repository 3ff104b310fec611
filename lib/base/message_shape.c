#include "message_shape.h"

#include <ctype.h>
#include <string.h>

void
message_shape(char *out, size_t size, const char *m)
{
	size_t n = 0;

	while (*m != '\0' && n < size - 1) {
		const char *close = *m == '\'' || *m == '"' ?
		    strchr(m + 1, *m) : NULL;

		out[n] = *m;
		if (close != NULL)
			m = close;
		else if (isdigit((unsigned char)*m))
			while (isdigit((unsigned char)m[1]))
				m++;
		if (isdigit((unsigned char)out[n]))
			out[n] = '0';
		n++;
		m++;
	}
	out[n] = '\0';
}
