#include "evidence/sha256sum.h"

int sha256sum_write(const struct file_set *set, struct buffer *text)
{
	for (size_t i = 0; i < set->count; i++)
		if (buffer_printf(text, "%s  %s\n", set->files[i].sha256, set->files[i].name) != 0)
			return -1;
	return 0;
}
