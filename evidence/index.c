#include "evidence/index.h"

static const char head[] =
    "<!doctype html>\n"
    "<html lang=\"en\">\n"
    "<head>\n"
    "<meta charset=\"utf-8\">\n"
    "<meta name=\"viewport\" content=\"width=device-width\">\n"
    "<title>Evidence</title>\n"
    "<link rel=\"icon\" href=\"data:,\">\n"
    "<style>\n"
    "body { font: 1rem/1.5 sans-serif; max-width: 72rem; margin: 2rem auto; padding: 0 1rem }\n"
    "table { border-collapse: collapse }\n"
    "th, td { text-align: left; padding: .2rem 1.5rem .2rem 0 }\n"
    "td + td { text-align: right }\n"
    "td + td + td, pre { font: .85rem/1.7 monospace; text-align: left }\n"
    "td + td + td { overflow-wrap: anywhere }\n"
    "pre { overflow-x: auto; background: #f2f2f2; color: #111; padding: .7rem }\n"
    "</style>\n"
    "</head>\n"
    "<body>\n"
    "<h1>Evidence</h1>\n"
    "<p>These files show that the TLS keys of this site were made inside an attested virtual "
    "machine (Intel TDX).</p>\n"
    "<table>\n"
    "<tr><th>File</th><th>Bytes</th><th>SHA-256</th></tr>\n";

/*
 * The first command works for every set of files, names with '*' included.  The second
 * prints REPORTDATA if the quote carries it anywhere: a look by eye, so the page says what it
 * does not replace.
 */
static const char foot[] =
    "</table>\n"
    "<h2>How to check it</h2>\n"
    "<p>Get the files, and compare their digests:</p>\n"
    "<pre>e=https://HOST/evidences; curl -sSfO $e/sha256sum.txt -O $e/quote.json &amp;&amp; "
    "cut -c67- sha256sum.txt | while read -r f; do curl -sSfg -o \"$f\" \"$e/$f\"; done; "
    "sha256sum -c sha256sum.txt</pre>\n"
    "<p>Find sha256(sha256sum.txt), followed by 32 zero bytes, as the REPORTDATA of the TDX "
    "quote:</p>\n"
    "<pre>jq -r .quote quote.json | grep -o \"$(sha256sum sha256sum.txt | cut -c-64)0\\{64\\}\""
    "</pre>\n"
    "<p>Then have a TDX verifier check the quote's signature and measurements, and compare the "
    "certificate that the site presents with the one listed here.</p>\n"
    "</body>\n"
    "</html>\n";

int index_render(const struct bundle *files, struct buffer *page)
{
	buffer_puts(page, head);
	for (size_t i = 0; i < files->count; i++) {
		const struct bundle_file *file = &files->files[i];
		/* Names of a bundle need no escaping. */
		buffer_printf(page,
			      "<tr><td><a href=\"/evidences/%s\">%s</a></td><td>%zu</td>"
			      "<td>%s</td></tr>\n",
			      file->name, file->name, file->length, file->sha256);
	}
	return buffer_puts(page, foot);
}
