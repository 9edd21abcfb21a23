#include "supervisor/addresses/backend_health.h"

#include <search.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Backends that never failed have no record. */
struct backend_health {
	void *tree; /* of struct known */
	struct known *list;
};

struct known {
	struct backend_record record; /* first: the tree's key is its name */
	struct known *next;
};

static int compare(const void *a, const void *b)
{
	const struct known *left = a, *right = b;

	return strcmp(left->record.name, right->record.name);
}

static struct known *find(const struct backend_health *health, const char *name)
{
	struct known key;
	struct known *const *found;

	snprintf(key.record.name, sizeof(key.record.name), "%s", name);
	found = tfind(&key, &health->tree, compare);
	return found == NULL ? NULL : *found;
}

const struct backend_record *backend_health_find(const struct backend_health *health,
						 const char *name)
{
	const struct known *known = find(health, name);

	return known == NULL ? NULL : &known->record;
}

static struct known *add(struct backend_health *health, const char *name)
{
	struct known *known = calloc(1, sizeof(*known));

	if (known == NULL)
		return NULL;
	snprintf(known->record.name, sizeof(known->record.name), "%s", name);
	if (tsearch(known, &health->tree, compare) == NULL) {
		free(known);
		return NULL;
	}
	known->next = health->list;
	health->list = known;
	return known;
}

static enum backend_news take_failures(struct backend_record *r, unsigned long long count,
				       time_t now)
{
	bool is_news = r->failing_since == 0;

	if (is_news) {
		r->failing_since = now;
		r->failures = 0;
	}
	r->failures += count;
	r->failed_at = now;
	return is_news ? BACKEND_FAILS : BACKEND_NO_NEWS;
}

enum backend_news backend_health_take(struct backend_health *health, const char *name,
				      unsigned long long errors, unsigned long long bytes,
				      time_t now, const struct backend_record **record)
{
	struct known *known = health->list == NULL ? NULL : find(health, name);
	enum backend_news news = BACKEND_NO_NEWS;
	struct backend_record *r;

	if (known == NULL && errors > 0)
		known = add(health, name);
	if (known == NULL)
		return BACKEND_NO_NEWS;
	r = &known->record;
	*record = r;
	if (errors > r->errors_seen) {
		news = take_failures(r, errors - r->errors_seen, now);
		r->bytes_seen = bytes;
	} else if (r->failing_since != 0 && bytes > r->bytes_seen &&
		   now - r->failed_at >= BACKEND_CALM_SECONDS) {
		r->failing_since = 0;
		news = BACKEND_ANSWERS;
	}
	r->errors_seen = errors;
	return news;
}

void backend_health_new_worker(struct backend_health *health)
{
	for (struct known *known = health->list; known != NULL; known = known->next)
		known->record.errors_seen = known->record.bytes_seen = 0;
}

size_t backend_health_failing(const struct backend_health *health,
			      const struct backend_record **records, size_t room)
{
	size_t count = 0;

	for (const struct known *known = health->list; known != NULL; known = known->next) {
		if (known->record.failing_since == 0)
			continue;
		if (count < room)
			records[count] = &known->record;
		count++;
	}
	return count;
}

struct backend_health *backend_health_new(void)
{
	return calloc(1, sizeof(struct backend_health));
}

static void keep(void *known)
{
	(void)known; /* the list frees it */
}

void backend_health_free(struct backend_health *health)
{
	if (health == NULL)
		return;
	tdestroy(health->tree, keep);
	while (health->list != NULL) {
		struct known *next = health->list->next;
		free(health->list);
		health->list = next;
	}
	free(health);
}
