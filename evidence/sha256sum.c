#include "evidence/sha256sum.h"

int sha256sum_write(const struct bundle *bundle, struct buffer *text)
{
	for (size_t i = 0; i < bundle->count; i++)
		if (buffer_printf(text, "%s  %s\n", bundle->files[i].sha256,
				  bundle->files[i].name) != 0)
			return -1;
	return 0;
}
