#include "evidence/index_page.h"

#include "common/attestation/platform.h"

#include <stdbool.h>
#include <stdio.h>
#include <string.h>

enum { HOST_MAX = 255 };

static const char head[] =
    "<!doctype html>\n"
    "<html lang=\"en\">\n"
    "<head>\n"
    "<meta charset=\"utf-8\">\n"
    "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n"
    "<title>Evidence</title>\n"
    "<link rel=\"icon\" href=\"data:,\">\n"
    "<style>\n"
    ":root { color-scheme: light dark; --line: #8884; --box: #8882 }\n"
    "body { font: 1rem/1.5 system-ui, sans-serif; max-width: 52rem; margin: 2rem auto;"
    " padding: 0 1rem }\n"
    "h1 { font-size: 1.6rem } h2 { font-size: 1.2rem; margin-top: 2rem }\n"
    "pre { background: var(--box); padding: .7rem; border-radius: .4rem;"
    " white-space: pre-wrap; overflow-wrap: anywhere }\n"
    "pre, code { font: .85rem/1.6 ui-monospace, monospace }\n"
    "ul { list-style: none; padding: 0 }\n"
    "li { border-top: 1px solid var(--line); padding: .7rem 0 }\n"
    "li a { font-weight: 600; overflow-wrap: anywhere }\n"
    "li p { margin: .1rem 0 }\n"
    "li small { white-space: nowrap }\n"
    "li code { display: block; overflow-x: auto; white-space: nowrap; opacity: .75;"
    " font-size: .78rem }\n"
    "</style>\n"
    "</head>\n"
    "<body>\n"
    "<h1>Evidence</h1>\n";

static const char about_quote[] =
    "<p>These files let you check that the TLS key of this site was made inside an attested "
    "virtual "
    "machine (Intel TDX) and which app runs there. Nobody has to be believed for it but Intel and "
    "the certificate authority.</p>\n";

/* `%1$s` is the kind: letters, digits and '-'. */
static const char about_attestation[] =
    "<p>These files are what this site has to show for its claim that its TLS key was made inside "
    "an attested machine. That machine is of the kind <code>%1$s</code>, with an attestation in "
    "dstack's own format instead of an Intel TDX quote: <b>nothing here proves it to you until a "
    "verifier that knows this kind has judged <code>attestation.bin</code>.</b></p>\n";

/* `%1$s` is the host, `%2$s` what else the command needs. */
static const char command[] =
    "<h2>Check it with one command</h2>\n"
    "<pre>docker run --rm dstack-ingress ingressctl verify https://%1$s%2$s</pre>\n";

static const char command_for_attestation[] =
    "<p>It compares the certificate that answered with the one in the evidence, checks the digests "
    "and who may get certificates for the name, and says that it cannot judge the attestation "
    "itself.</p>\n";

static const char command_for_quote[] =
    "<p>It asks this site for a quote over a number of its own, follows the signatures to Intel's "
    "root, compares the certificate that answered with the one in the evidence, and says what it "
    "could not check. Tell it which app you expect (<code>--app-id</code>, "
    "<code>--compose</code>), or it can only tell you which one it saw.</p>\n";

/* `%1$s` is the host, `%2$s` what there is beside the files that are listed. */
static const char by_hand[] =
    "<h2>Or by hand</h2>\n"
    "<p>Get the files, and compare their digests:</p>\n"
    "<pre>e=https://%1$s/evidences; curl -sSfO $e/sha256sum.txt -O $e/%2$s &amp;&amp; "
    "cut -c67- sha256sum.txt | while read -r f; do curl -sSfg -o \"$f\" \"$e/$f\"; done; "
    "sha256sum -c sha256sum.txt</pre>\n";

static const char by_hand_for_attestation[] =
    "<p>Then have a verifier for this kind of machine judge <code>attestation.bin</code> (or the "
    "same in hex, <code>attestation.json</code>), which has to be over "
    "sha256(sha256sum.txt), followed by 32 zero bytes, and compare the certificate that the site "
    "presents with the one listed here.</p>\n";

static const char by_hand_for_quote[] =
    "<p>Find sha256(sha256sum.txt), followed by 32 zero bytes, as the REPORTDATA of the TDX "
    "quote:</p>\n"
    "<pre>jq -r .quote quote.json | grep -o \"$(sha256sum sha256sum.txt | cut -c-64)0\\{64\\}\""
    "</pre>\n"
    "<p>Then have a TDX verifier check the quote's signature and measurements, and compare the "
    "certificate that the site presents with the one listed here.</p>\n";

static const char files_head[] = "<h2>Files</h2>\n"
				 "<ul>\n";

static const char foot[] = "</ul>\n"
			   "</body>\n"
			   "</html>\n";

/* What a file is there for, in words that need no escaping, as the names in a set need none. */
static const char *purpose(const char *name)
{
	static const struct {
		const char *begins, *purpose;
	} known[] = {
	    {"acme-account.json",
	     "The ACME account that ordered the certificates. A CAA record in DNS that names it "
	     "keeps everybody else from getting one."},
	    {"attestation.bin",
	     "What the machine says of itself over sha256sum.txt, in dstack's own format. It is no "
	     "TDX quote: a verifier for its kind of machine has to judge it."},
	    {"attestation.json", "The same in hex, as dstack's guest agent gave it."},
	    {"cert-", "The certificate chain that is served."},
	    {"manifest.json",
	     "All of it for programs: names, keys, account, app, versions, and every certificate "
	     "that was ever issued here."},
	    {"quote.json", "The machine's signature: a TDX quote over sha256sum.txt."},
	    {"sha256sum.txt", "The digests of the account and the certificates."},
	};

	for (size_t i = 0; i < sizeof(known) / sizeof(*known); i++)
		if (strncmp(name, known[i].begins, strlen(known[i].begins)) == 0)
			return known[i].purpose;
	return "";
}

/* Letters, digits and what stands in names, addresses and ports: nothing that means anything to
 * HTML or a shell. */
static bool is_host(const char *host)
{
	static const char allowed[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
				      "0123456789-.:[]";
	size_t length = strspn(host, allowed);

	return length > 0 && length <= HOST_MAX && host[length] == '\0';
}

/* Of the attestation that stands in the place of a quote; false where there is none. */
static bool find_kind(const struct file_set *files, char kind[PLATFORM_KIND_SIZE])
{
	const struct evidence_file *file = file_set_find(files, "attestation.bin");
	struct error ignored = ERROR_INIT;

	return file != NULL &&
	       platform_kind((const unsigned char *)file->data, file->length, kind, &ignored) == 0;
}

/* What it proves, and how to check that. */
static void explain(const struct file_set *files, const char *host, struct buffer *page)
{
	char kind[PLATFORM_KIND_SIZE], option[PLATFORM_KIND_SIZE + 16];

	if (find_kind(files, kind)) {
		snprintf(option, sizeof(option), " --platform %s", kind);
		buffer_printf(page, about_attestation, kind);
		buffer_printf(page, command, host, option);
		buffer_puts(page, command_for_attestation);
		buffer_printf(page, by_hand, host, "attestation.bin");
		buffer_puts(page, by_hand_for_attestation);
	} else {
		buffer_puts(page, about_quote);
		buffer_printf(page, command, host, "");
		buffer_puts(page, command_for_quote);
		buffer_printf(page, by_hand, host, "quote.json");
		buffer_puts(page, by_hand_for_quote);
	}
}

int index_page_html(const struct file_set *files, const char *host, struct buffer *page)
{
	buffer_puts(page, head);
	explain(files, host != NULL && is_host(host) ? host : "HOST", page);
	buffer_puts(page, files_head);
	for (size_t i = 0; i < files->count; i++) {
		const struct evidence_file *file = &files->files[i];
		buffer_printf(page,
			      "<li><a href=\"/evidences/%s\">%s</a> <small>%zu bytes</small>"
			      "<p>%s</p><code>sha256 %s</code></li>\n",
			      file->name, file->name, file->length, purpose(file->name),
			      file->sha256);
	}
	return buffer_puts(page, foot);
}

int index_page_json(const struct file_set *files, struct buffer *text)
{
	char kind[PLATFORM_KIND_SIZE];

	buffer_puts(text, "{");
	if (find_kind(files, kind))
		buffer_printf(text, "\"platform\":\"%s\",", kind);
	buffer_puts(text, "\"files\":[");
	for (size_t i = 0; i < files->count; i++) {
		const struct evidence_file *file = &files->files[i];
		buffer_printf(text,
			      "%s{\"name\":\"%s\",\"bytes\":%zu,\"sha256\":\"%s\","
			      "\"path\":\"/evidences/%s\",\"purpose\":\"%s\"}",
			      i == 0 ? "" : ",", file->name, file->length, file->sha256, file->name,
			      purpose(file->name));
	}
	return buffer_puts(text, "]}\n");
}
