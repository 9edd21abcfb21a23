#include "supervisor/verify/policy.h"

#include "common/json.h"

#include <stdio.h>
#include <string.h>

static int wrong_member(const char *name, const char *what, struct error *err)
{
	return error_set(err, EXIT_BAD_CONFIG, "the policy's \"%.60s\" %s", name, what);
}

static int read_required(const cJSON *list, struct findings *findings, struct error *err)
{
	const cJSON *item;

	if (!cJSON_IsArray(list))
		return wrong_member("require", "is not a list of checks", err);
	cJSON_ArrayForEach(item, list)
	{
		if (!cJSON_IsString(item))
			return wrong_member("require", "has a member that is no text", err);
		if (findings_require(findings, item->valuestring, err) != 0)
			return -1;
	}
	return 0;
}

static int read_tcb(const cJSON *member, enum tcb_status *worst, struct error *err)
{
	enum tcb_status status =
	    cJSON_IsString(member) ? tcb_status_from_name(member->valuestring) : TCB_REVOKED;

	if (status >= TCB_REVOKED)
		return wrong_member("tcb", "is no TCB status that could be accepted", err);
	*worst = status;
	return 0;
}

static int read_pin(const cJSON *member, struct pins *pins, struct error *err)
{
	char where[64];
	enum pin pin = 0;

	while (pin < PIN_COUNT && strcmp(pin_name(pin), member->string) != 0)
		pin++;
	if (pin == PIN_COUNT)
		return wrong_member(member->string, "is not known", err);
	if (!cJSON_IsString(member))
		return wrong_member(member->string, "is no text", err);
	if (pins->hex[pin][0] != '\0')
		return 0; /* an option said it */
	snprintf(where, sizeof(where), "the policy's \"%s\"", pin_name(pin));
	return pin_set(pins, pin, member->valuestring, where, err);
}

int policy_read(const char *text, size_t length, struct pins *pins, enum tcb_status *worst_tcb,
		bool has_tcb, struct findings *findings, struct error *err)
{
	AUTO_JSON cJSON *policy = json_parse(text, length, "the policy", err);
	enum tcb_status tcb = *worst_tcb;
	const cJSON *member;
	int rc = 0;

	if (policy != NULL && !cJSON_IsObject(policy))
		rc = error_set(err, EXIT_BAD_CONFIG, "the policy is no JSON object");
	if (policy == NULL || rc != 0) {
		err->code = EXIT_BAD_CONFIG;
		return -1;
	}
	cJSON_ArrayForEach(member, policy)
	{
		if (strcmp(member->string, "require") == 0)
			rc = read_required(member, findings, err);
		else if (strcmp(member->string, "tcb") == 0)
			rc = read_tcb(member, &tcb, err);
		else
			rc = read_pin(member, pins, err);
		if (rc != 0) {
			err->code = EXIT_BAD_CONFIG;
			return -1;
		}
	}
	if (!has_tcb)
		*worst_tcb = tcb;
	return 0;
}

/* What the quote has in the place of each pin. */
static const char *seen_value(const struct attestation_result *seen, enum pin pin)
{
	switch (pin) {
	case PIN_APP_ID:
		return seen->identity.app_id;
	case PIN_COMPOSE_HASH:
		return seen->identity.compose_hash;
	case PIN_OS_IMAGE_HASH:
		return seen->identity.os_image_hash;
	case PIN_MRTD:
		return seen->measurements.mrtd;
	default:
		return seen->measurements.rtmr[pin - PIN_RTMR0];
	}
}

char *policy_write(const struct attestation_result *seen, struct error *err)
{
	AUTO_JSON cJSON *policy = cJSON_CreateObject();
	bool made = policy != NULL;

	for (enum pin pin = 0; made && pin < PIN_COUNT; pin++) {
		const char *value = seen_value(seen, pin);
		if (value[0] != '\0')
			made = cJSON_AddStringToObject(policy, pin_name(pin), value) != NULL;
	}
	if (made && seen->has_tcb)
		made = cJSON_AddStringToObject(policy, "tcb", tcb_status_name(seen->tcb.status)) !=
		       NULL;
	if (!made) {
		error_no_memory(err);
		return NULL;
	}
	return json_print(policy, true, err);
}
