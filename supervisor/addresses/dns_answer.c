#include "supervisor/addresses/dns_answer.h"

#include <string.h>

static bool is_gone(int status)
{
	return status == EAI_NONAME || status == EAI_NODATA || status == EAI_ADDRFAMILY;
}

void dns_answer_format(const char *name, int status, const struct addrinfo *list,
		       struct buffer *line)
{
	size_t count = 0;

	buffer_puts(line, name);
	for (; status == 0 && list != NULL && count < DNS_ANSWER_ADDRESSES_MAX;
	     list = list->ai_next) {
		struct ip_address address;
		char text[IP_TEXT_SIZE];
		if (!ip_from_socket(list->ai_addr, &address))
			continue;
		ip_text(&address, text);
		buffer_printf(line, " %s", text);
		count++;
	}
	if (count == 0)
		buffer_puts(line, status == 0 || is_gone(status) ? " gone" : " failed");
	buffer_puts(line, "\n");
}

/* The next word, "" at the end; false when it is too long for `word`. */
static bool next_word(const char **at, char *word, size_t size)
{
	size_t length = strcspn(*at, " ");

	if (length >= size)
		return false;
	memcpy(word, *at, length);
	word[length] = '\0';
	*at += length + ((*at)[length] == ' ');
	return true;
}

static bool parse_addresses(const char *at, struct dns_answer *answer)
{
	char word[IP_TEXT_SIZE];

	while (*at != '\0') {
		if (answer->count == DNS_ANSWER_ADDRESSES_MAX ||
		    !next_word(&at, word, sizeof(word)) ||
		    !ip_parse(word, &answer->addresses[answer->count]))
			return false;
		answer->count++;
	}
	return answer->count > 0;
}

bool dns_answer_parse(const char *line, struct dns_answer *answer)
{
	answer->count = 0;
	answer->kind = DNS_ANSWER_ADDRESSES;
	if (!next_word(&line, answer->name, sizeof(answer->name)) || answer->name[0] == '\0')
		return false;
	if (strcmp(line, "gone") == 0)
		answer->kind = DNS_ANSWER_GONE;
	else if (strcmp(line, "failed") == 0)
		answer->kind = DNS_ANSWER_FAILED;
	else
		return parse_addresses(line, answer);
	return true;
}
