/* What a stop leaves unfinished, for the last lines of a log: who reads them knows what was under
 * way and what the next start goes on with. */
#ifndef SUPERVISOR_DOMAINS_UNFINISHED_H
#define SUPERVISOR_DOMAINS_UNFINISHED_H

#include "common/buffer.h"

struct domains;
struct served_pair;

/*
 * Appends "; app.example.com: its certificate's order is ended, it begins anew at the next start"
 * and so on, for each domain that has no certificate, an order under way, or a failure that is not
 * over; of many the first few.  Nothing where all is well.  `pairs` has one for each domain.
 */
void unfinished_describe(const struct domains *domains, const struct served_pair *pairs,
			 struct buffer *text);

#endif
