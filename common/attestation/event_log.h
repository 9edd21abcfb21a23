/*
 * The event log of a dstack guest (dstack's cc-eventlog): what the four RTMRs of its quote were
 * extended with, in order, and in RTMR3 the identity of the app.
 *
 * The log is believed for as much as its replay gives the registers of the quote, no more.
 */
#ifndef COMMON_ATTESTATION_EVENT_LOG_H
#define COMMON_ATTESTATION_EVENT_LOG_H

#include "common/attestation/td_report.h"
#include "common/error.h"

#include <stddef.h>

enum {
	EVENT_LOG_MAX = 4 * 1024 * 1024, /* bytes of JSON */
	EVENT_LOG_EVENTS_MAX = 4096,
	EVENT_HEX_MAX = 128, /* digits of an identity value */
	EVENT_PROVIDER_MAX = 512,
};

/* Lower case hex, "" when there was no such event. */
struct app_identity {
	char app_id[EVENT_HEX_MAX + 1];
	char compose_hash[EVENT_HEX_MAX + 1];
	char instance_id[EVENT_HEX_MAX + 1];
	char os_image_hash[EVENT_HEX_MAX + 1];
	char key_provider[2 * EVENT_PROVIDER_MAX + 1];
};

/*
 * Replays the log (a JSON array) and compares with the registers of `report`; fills `identity`
 * with what stands between the beginning of RTMR3 and "system-ready".  -1 with a sentence of its
 * own for each thing that can be wrong.
 */
int event_log_verify(const char *json, size_t length, const struct td_report *report,
		     struct app_identity *identity, struct error *err);

#endif
