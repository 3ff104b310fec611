#include "base/doubling_pause.h"

bool
pause_tick(struct doubling_pause *p)
{
	if (p->left == 0)
		return true;
	p->left--;
	return false;
}

void
pause_begin(struct doubling_pause *p)
{
	if (p->turns == 0)
		p->turns = p->least;
	else if (p->turns < p->most)
		p->turns = p->turns > p->most / 2 ? p->most : p->turns * 2;
	p->left = p->turns;
}

void
pause_reset(struct doubling_pause *p)
{
	p->turns = 0;
}
