#include "common/settings_loading.h"

#include <string.h>

static bool is_blank(char c)
{
	return c == ' ' || c == '\t' || c == '\r';
}

static bool ends_item(const char *start, const char *at)
{
	if (*at == '\0' || *at == '\n' || *at == ',')
		return true;
	return *at == '#' && (at == start || is_blank(at[-1]));
}

static void skip_comment(struct setting_list *list)
{
	if (*list->at == '#')
		list->at += strcspn(list->at, "\n");
}

bool settings_next_item(struct setting_list *list, struct setting_item *item)
{
	for (;;) {
		while (is_blank(*list->at) || *list->at == '\n' || *list->at == ',')
			list->line_ends += *list->at++ == '\n';
		if (*list->at == '\0')
			return false;
		const char *start = list->at;
		while (!ends_item(start, list->at))
			list->at++;
		const char *end = list->at;
		skip_comment(list);
		while (end > start && is_blank(end[-1]))
			end--;
		if (end == start)
			continue;
		*item = (struct setting_item){start, (size_t)(end - start), ++list->count,
					      list->line_ends + 1};
		return true;
	}
}
