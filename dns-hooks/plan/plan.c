#include "dns-hooks/plan/plan.h"

enum { REMARKS_MAX = 1024 * 1024 };

void plan_init(struct plan *plan)
{
	*plan = (struct plan){0};
	buffer_init(&plan->notes, REMARKS_MAX);
	buffer_init(&plan->warnings, REMARKS_MAX);
}

void plan_free(struct plan *plan)
{
	change_list_free(&plan->changes);
	buffer_free(&plan->notes);
	buffer_free(&plan->warnings);
}
