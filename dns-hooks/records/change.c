#include "dns-hooks/records/change.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

static void change_free(struct change *change)
{
	record_free(&change->before);
	record_free(&change->after);
}

void change_list_free(struct change_list *list)
{
	for (size_t i = 0; i < list->count; i++)
		change_free(&list->items[i]);
	free(list->items);
	*list = (struct change_list){0};
}

static int grow(struct change_list *list)
{
	size_t capacity = list->capacity == 0 ? 4 : list->capacity * 2;
	struct change *items = reallocarray(list->items, capacity, sizeof(*items));

	if (items == NULL)
		return -1;
	list->items = items;
	list->capacity = capacity;
	return 0;
}

int change_list_add(struct change_list *list, const struct record *before,
		    const struct record *after, struct error *err, const char *reason, ...)
{
	struct change change = {.kind = before == NULL	? CHANGE_ADD
					: after == NULL ? CHANGE_REMOVE
							: CHANGE_UPDATE};
	va_list args;

	va_start(args, reason);
	vsnprintf(change.reason, sizeof(change.reason), reason, args);
	va_end(args);
	if ((before != NULL && record_copy(&change.before, before, err) != 0) ||
	    (after != NULL && record_copy(&change.after, after, err) != 0)) {
		change_free(&change);
		return -1;
	}
	if (list->count == list->capacity && grow(list) != 0) {
		change_free(&change);
		return error_no_memory(err);
	}
	list->items[list->count++] = change;
	return 0;
}

int change_list_remove_copies(struct change_list *list, const struct record *wanted,
			      const struct record_list *present, struct error *err)
{
	const struct record *first = record_list_find(present, wanted);

	for (size_t i = 0; i < present->count; i++)
		if (&present->items[i] != first && record_same(&present->items[i], wanted) &&
		    change_list_add(list, &present->items[i], NULL, err, "is there twice") != 0)
			return -1;
	return 0;
}
