/* http_perform_retrying(): when to ask again, and how long to wait before. */
#include "common/clock.h"
#include "common/http.h"

#include <stdbool.h>
#include <sys/random.h>

enum { FIRST_WAIT_MS = 500, DOUBLINGS_MAX = 6 };

static bool worth_repeating(const struct http_request *request, int result,
			    const struct http_response *response, const struct error *err)
{
	if (result != 0)
		return err->code == EXIT_UNREACHABLE || err->code == EXIT_TRY_LATER;
	if (request->is_busy != NULL && request->is_busy(response))
		return true;
	return response->status == 408 || response->status == 429 || response->status >= 500;
}

/* Up to a quarter of `wait_ms`, so that many clients that failed together do not return
 * together. */
static long long jitter(long long wait_ms)
{
	unsigned short number = 0;

	/* Without random numbers there is no jitter, which is no reason to fail. */
	if (getrandom(&number, sizeof(number), GRND_NONBLOCK) != sizeof(number))
		return 0;
	return wait_ms * number / (4 * 65536);
}

static long long wait_after(unsigned attempt, unsigned retry_after)
{
	unsigned doublings = attempt - 1 < DOUBLINGS_MAX ? attempt - 1 : DOUBLINGS_MAX;
	long long backoff = (long long)FIRST_WAIT_MS << doublings;
	long long asked = (long long)retry_after * 1000;

	/* Never earlier than asked. */
	return (asked > backoff ? asked : backoff) + jitter(backoff);
}

int http_perform_retrying(const struct http_request *request, struct http_response *response,
			  unsigned attempts, long budget_ms, struct error *err)
{
	struct http_request own = *request;
	long timeout_ms = request->timeout_ms == 0 ? HTTP_TIMEOUT_MS : request->timeout_ms;
	long long deadline = clock_now_ms() + budget_ms;

	for (unsigned attempt = 1;; attempt++) {
		long long left = deadline - clock_now_ms();
		if (left < 1)
			left = 1; /* 0 would mean the default */
		own.timeout_ms = left < timeout_ms ? (long)left : timeout_ms;
		int result = http_perform(&own, response, err);
		if (attempt >= attempts || !worth_repeating(request, result, response, err))
			return result;
		long long wait = wait_after(attempt, response->retry_after);
		if (clock_now_ms() + wait >= deadline)
			return result;
		http_response_free(response);
		clock_sleep_ms(wait);
	}
}
