#include "module/now_text.h"

void
now_text_init(struct now_text *n)
{
	n->second = -1;
}

void
now_text_update(struct now_text *n)
{
	struct timespec t;
	char *digit = n->text + CLOCK_STAMP - 2;

	(void)clock_gettime(CLOCK_REALTIME, &t);
	if (t.tv_sec != n->second) {
		clock_stamp(n->text);
		n->second = t.tv_sec;
	}
	t.tv_nsec /= 1000;
	for (int i = 0; i < 6; i++, t.tv_nsec /= 10)
		*--digit = (char)('0' + t.tv_nsec % 10);
}
