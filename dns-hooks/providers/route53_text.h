/*
 * Names and values in the way Route 53 writes them, where an escape is octal, not decimal as in
 * a zone file; pure.
 * https://docs.aws.amazon.com/Route53/latest/DeveloperGuide/DomainNameFormat.html
 */
#ifndef DNS_HOOKS_PROVIDERS_ROUTE53_TEXT_H
#define DNS_HOOKS_PROVIDERS_ROUTE53_TEXT_H

#include "common/buffer.h"
#include "common/domain.h"

/* "\052.Example.com." as this program has it: "*.example.com".  An escape that stands for a dot
 * or a backslash stays one.  -1 when the name is longer than names are. */
int route53_name(const char *text, domain_name out);

/* Appends the value of a TXT record in the form of record.h.  -1 when a quote is left open. */
int route53_read_txt(const char *text, struct buffer *into);
/* Appends it as quoted strings, what is not printable ASCII in octal. */
int route53_write_txt(const char *value, struct buffer *into);

/* Appends text as XML's character data. */
void route53_write_xml(const char *text, struct buffer *into);

#endif
