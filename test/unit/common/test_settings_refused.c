/* Every bad value is refused with the variable, the value and the rule; nothing that could
 * mean something to HAProxy, certbot or a shell gets through. */
#include "test_settings_fixture.h"

struct refused {
	const char *variables[4];
	const char *problem; /* the one line that comes of it */
};

#define TEN "0123456789"
#define FIFTY TEN TEN TEN TEN TEN
#define HUNDRED FIFTY FIFTY

#define DOMAIN_LIKE "must be a domain name such as app.example.com or *.example.com; "
#define BAD_CHARACTER                                                                 \
	"has a character that domain names cannot have (letters, digits and hyphens " \
	"are allowed; write international names as xn--...)"
#define BAD_LABEL                                                                         \
	"has a label that is empty, longer than 63 characters, or begins or ends with a " \
	"hyphen"
#define BAD_STAR                                                                        \
	"has a '*' that is not allowed there (only *.example.com, where wildcards are " \
	"possible)"
#define XN "write an international name in its xn-- form, such as xn--mnchen-3ya.example"

static const struct refused domains[] = {
    {{"DOMAIN=bad domain.example"},
     "DOMAIN is \"bad domain.example\": " DOMAIN_LIKE "it " BAD_CHARACTER},
    {{"DOMAIN=app.example.com\nlog 127.0.0.1"},
     "DOMAIN is \"app.example.com?log 127.0.0.1\": must be one domain name; put several in "
     "DOMAINS"},
    {{"DOMAIN=a.example.com,b.example.com"},
     "DOMAIN is \"a.example.com,b.example.com\": must be one domain name; put several in "
     "DOMAINS"},
    {{"DOMAIN=app.example.com;x"},
     "DOMAIN is \"app.example.com;x\": " DOMAIN_LIKE "it " BAD_CHARACTER},
    {{"DOMAIN=app.example.com#x"},
     "DOMAIN is \"app.example.com#x\": " DOMAIN_LIKE "it " BAD_CHARACTER},
    {{"DOMAIN=app.example.com\t"},
     "DOMAIN is \"app.example.com?\": " DOMAIN_LIKE "it " BAD_CHARACTER},
    {{"DOMAIN=\"app.example.com\""},
     "DOMAIN is \"\"app.example.com\"\": " DOMAIN_LIKE "it " BAD_CHARACTER},
    {{"DOMAIN=$HOME.example.com"},
     "DOMAIN is \"$HOME.example.com\": " DOMAIN_LIKE "it " BAD_CHARACTER},
    {{"DOMAIN=app%41.example.com"},
     "DOMAIN is \"app%41.example.com\": " DOMAIN_LIKE "it " BAD_CHARACTER},
    {{"DOMAIN=app\\.example.com"},
     "DOMAIN is \"app\\.example.com\": " DOMAIN_LIKE "it " BAD_CHARACTER},
    {{"DOMAIN=my_app.example.com"},
     "DOMAIN is \"my_app.example.com\": " DOMAIN_LIKE "it " BAD_CHARACTER},
    {{"DOMAIN=-app.example.com"}, "DOMAIN is \"-app.example.com\": " DOMAIN_LIKE "it " BAD_LABEL},
    {{"DOMAIN=a..example.com"}, "DOMAIN is \"a..example.com\": " DOMAIN_LIKE "it " BAD_LABEL},
    {{"DOMAIN=a.*.example.com"}, "DOMAIN is \"a.*.example.com\": " DOMAIN_LIKE "it " BAD_STAR},
    {{"DOMAIN=localhost"},
     "DOMAIN is \"localhost\": " DOMAIN_LIKE "it has no dot, so no public CA issues for it"},
    {{"DOMAIN=192.0.2.1"},
     "DOMAIN is \"192.0.2.1\": " DOMAIN_LIKE "it is an IP address, not a domain name"},
    {{"DOMAIN=m\xc3\xbcnchen.example"}, "DOMAIN is \"m\xc3\xbcnchen.example\": " DOMAIN_LIKE XN},
    {{"DOMAIN=app\x80.example.com"}, "DOMAIN is \"app?.example.com\": " DOMAIN_LIKE XN},
    {{"DOMAIN=" HUNDRED HUNDRED HUNDRED},
     "DOMAIN is \"" FIFTY TEN TEN TEN "...\": " DOMAIN_LIKE "it is longer than 253 characters"},
    {{"DOMAIN="}, "DOMAIN is not set: give the domain to serve, or several in DOMAINS"},
    {{"DOMAIN=", "DOMAINS= \n # none\n,"},
     "DOMAIN is not set: give the domain to serve, or several in DOMAINS"},
    {{"DOMAINS=a.example.com\nb c.example.com"},
     "DOMAINS has \"b c.example.com\" (entry 2): " DOMAIN_LIKE "it " BAD_CHARACTER},
    {{"DOMAINS=a.example.com,b.example.com\x0b"},
     "DOMAINS has \"b.example.com?\" (entry 2): " DOMAIN_LIKE "it " BAD_CHARACTER},
    {{"DOMAINS=https://a.example.com/"},
     "DOMAINS has \"https://a.example.com/\" (entry 1): " DOMAIN_LIKE "it " BAD_CHARACTER},
    {{"GATEWAY_DOMAIN="},
     "GATEWAY_DOMAIN is not set: give the name of the dstack gateway that the domain points at, "
     "such as _.dstack-prod5.phala.network"},
    {{"GATEWAY_DOMAIN=gateway"},
     "GATEWAY_DOMAIN is \"gateway\": must be the gateway's name, such as "
     "_.dstack-prod5.phala.network; it has no dot"},
    {{"GATEWAY_DOMAIN=192.0.2.1"},
     "GATEWAY_DOMAIN is \"192.0.2.1\": must be the gateway's name, such as "
     "_.dstack-prod5.phala.network; it is an IP address, not a domain name"},
    {{"GATEWAY_DOMAIN=App.example.com"},
     "GATEWAY_DOMAIN is \"app.example.com\", which is also a domain to serve: its CNAME would "
     "point at itself"},
    {{"TXT_PREFIX=a.b"},
     "TXT_PREFIX is \"a.b\": must be one DNS label of at most 54 letters, digits, \"_\" and "
     "\"-\", such as \"_dstack-app-address\""},
    {{"TXT_PREFIX=-x"},
     "TXT_PREFIX is \"-x\": must be one DNS label of at most 54 letters, digits, \"_\" and "
     "\"-\", such as \"_dstack-app-address\""},
    {{"TXT_PREFIX=" FIFTY TEN},
     "TXT_PREFIX is \"" FIFTY TEN "\": must be one DNS label of at most 54 letters, digits, "
     "\"_\" and \"-\", such as \"_dstack-app-address\""},
    {{"APP_ID=x y"}, "APP_ID is \"x y\": must be 1 to 128 characters: letters, digits and \"._-\""},
    {{"APP_ID=-x"}, "APP_ID is \"-x\": must begin with a letter or digit"},
    {{"SERVER_FIRST=true,mail example.com"},
     "SERVER_FIRST has \"true\" (entry 1): must be true, false, or domain names; it has no dot, "
     "so no public CA issues for it\n"
     "SERVER_FIRST has \"mail example.com\" (entry 2): must be true, false, or domain names; "
     "it " BAD_CHARACTER},
};

#define TARGET_LIKE "must be host:port, such as app:8080 or [2001:db8::7]:8080; "
#define HOST_CHARACTER "the host " BAD_CHARACTER
#define BAD_PORT "the port is not a number from 1 to 65535"
#define PATH_CHARACTER "the path has a character other than letters, digits and \"/._~:?&=+@-\""

static const struct refused routes[] = {
    {{"TARGET_ENDPOINT=app:0"}, "TARGET_ENDPOINT is \"app:0\": " TARGET_LIKE BAD_PORT},
    {{"TARGET_ENDPOINT=app:65536"}, "TARGET_ENDPOINT is \"app:65536\": " TARGET_LIKE BAD_PORT},
    {{"TARGET_ENDPOINT=app:"}, "TARGET_ENDPOINT is \"app:\": " TARGET_LIKE BAD_PORT},
    {{"TARGET_ENDPOINT=app:+80"}, "TARGET_ENDPOINT is \"app:+80\": " TARGET_LIKE BAD_PORT},
    {{"TARGET_ENDPOINT=app:80 check"},
     "TARGET_ENDPOINT is \"app:80 check\": " TARGET_LIKE BAD_PORT},
    {{"TARGET_ENDPOINT=app:80\n    server evil 192.0.2.1:80"},
     "TARGET_ENDPOINT is \"app:80?    server evil 192.0.2.1:80\": " TARGET_LIKE
     "an IPv6 address needs brackets: [::1]:8080"},
    {{"TARGET_ENDPOINT=app resolvers x"},
     "TARGET_ENDPOINT is \"app resolvers x\": " TARGET_LIKE HOST_CHARACTER},
    {{"TARGET_ENDPOINT=-f"}, "TARGET_ENDPOINT is \"-f\": " TARGET_LIKE "the host " BAD_LABEL},
    {{"TARGET_ENDPOINT=/run/app.sock"},
     "TARGET_ENDPOINT is \"/run/app.sock\": " TARGET_LIKE "the host is empty"},
    {{"TARGET_ENDPOINT=:80"}, "TARGET_ENDPOINT is \":80\": " TARGET_LIKE "the host is empty"},
    {{"TARGET_ENDPOINT=256.1.1.1:80"},
     "TARGET_ENDPOINT is \"256.1.1.1:80\": " TARGET_LIKE
     "the host looks like an IPv4 address but is none (four numbers from 0 to 255, without "
     "leading zeros)"},
    {{"TARGET_ENDPOINT=::1:80"},
     "TARGET_ENDPOINT is \"::1:80\": " TARGET_LIKE "an IPv6 address needs brackets: [::1]:8080"},
    {{"TARGET_ENDPOINT=[::1"},
     "TARGET_ENDPOINT is \"[::1\": " TARGET_LIKE "there is no IPv6 address in the brackets"},
    {{"TARGET_ENDPOINT=[fe80::1%eth0]:80"},
     "TARGET_ENDPOINT is \"[fe80::1%eth0]:80\": " TARGET_LIKE
     "there is no IPv6 address in the brackets"},
    {{"TARGET_ENDPOINT=[::1]80"}, "TARGET_ENDPOINT is \"[::1]80\": " TARGET_LIKE BAD_PORT},
    {{"TARGET_ENDPOINT=ftp://app:21"},
     "TARGET_ENDPOINT is \"ftp://app:21\": " TARGET_LIKE
     "the scheme is none of http, https, grpc, tcp"},
    {{"TARGET_ENDPOINT=http://user:" CANARY "@app:80"},
     "TARGET_ENDPOINT is \"http://***@app:80\": " TARGET_LIKE "no user may stand before the host"},
    {{"TARGET_ENDPOINT=http://user:" CANARY "/x@app:80/y"},
     "TARGET_ENDPOINT is \"http://***@app:80/y\": " TARGET_LIKE BAD_PORT},
    {{"TARGET_ENDPOINT=http://app/a b"},
     "TARGET_ENDPOINT is \"http://app/a b\": " TARGET_LIKE PATH_CHARACTER},
    {{"TARGET_ENDPOINT=http://app/%0alog"},
     "TARGET_ENDPOINT is \"http://app/%0alog\": " TARGET_LIKE PATH_CHARACTER},
    {{"TARGET_ENDPOINT=http://app/${HOME}"},
     "TARGET_ENDPOINT is \"http://app/${HOME}\": " TARGET_LIKE PATH_CHARACTER},
    {{"TARGET_ENDPOINT="},
     "\"app.example.com\" has no backend: set TARGET_ENDPOINT, or add app.example.com=host:port "
     "to ROUTING_MAP"},
    {{"TARGET_ENDPOINT=", "ROUTING_MAP=*.app.example.com=app:1"},
     "\"app.example.com\" has no backend: set TARGET_ENDPOINT, or add app.example.com=host:port "
     "to ROUTING_MAP"},
    {{"ROUTING_MAP=app.example.com"},
     "ROUTING_MAP has \"app.example.com\" (entry 1): must be domain=host:port, such as "
     "app.example.com=app:8080"},
    {{"ROUTING_MAP=app.example.com=a:1\n\nx y=b:2"},
     "ROUTING_MAP has \"x y=b:2\" (entry 2): must be domain=host:port; of the domain: "
     "it " BAD_CHARACTER},
    {{"ROUTING_MAP=app.example.com=app:80 send-proxy"},
     "ROUTING_MAP has \"app.example.com=app:80 send-proxy\" (entry 1): must be "
     "domain=host:port; " BAD_PORT},
    {{"ROUTING_MAP=app.example.com=app:80 # http"}, NULL},
    {{"ROUTING_MAP=app.example.com=app:80#http"},
     "ROUTING_MAP has \"app.example.com=app:80#http\" (entry 1): must be "
     "domain=host:port; " BAD_PORT},
    {{"ROUTING_MAP=app.example.com="},
     "ROUTING_MAP has \"app.example.com=\" (entry 1): must be domain=host:port; the host is "
     "empty"},
    {{"ROUTING_MAP=m\xc3\xbcnchen.example=app:80"},
     "ROUTING_MAP has \"m\xc3\xbcnchen.example=app:80\" (entry 1): must be domain=host:port; of "
     "the domain: " XN},
    {{"ROUTING_MAP=app.example.com=a:1,APP.example.com.=b:1"},
     "ROUTING_MAP routes \"app.example.com\" to a:1 and to b:1: keep one"},
};

#define BOOLEAN "must be true or false (or yes, no, 1, 0)"
#define TIME_LIKE "must be a time with a unit (us, ms, s, m, h, d), for example \"10s\""
#define TIME_RANGE "must be a time from 1ms to 2147483647ms (24 days), for example \"10s\""
#define PORT_RANGE "must be a port from 1 to 65535"
#define ALPN_LIKE                                                                           \
	"must be 1 to 8 protocols separated by commas, such as \"h2,http/1.1\" (a-z, 0-9, " \
	"\"./-\", at most 32 characters each)"

static const struct refused plain[] = {
    {{"TIMEOUT_CONNECT=10"}, "TIMEOUT_CONNECT is \"10\": " TIME_LIKE},
    {{"TIMEOUT_CONNECT=10 s"}, "TIMEOUT_CONNECT is \"10 s\": " TIME_LIKE},
    {{"TIMEOUT_CONNECT=-10s"}, "TIMEOUT_CONNECT is \"-10s\": " TIME_LIKE},
    {{"TIMEOUT_CONNECT=1.5s"}, "TIMEOUT_CONNECT is \"1.5s\": " TIME_LIKE},
    {{"TIMEOUT_CONNECT=10S"}, "TIMEOUT_CONNECT is \"10S\": " TIME_LIKE},
    {{"TIMEOUT_CLIENT=10s\n    mode http"}, "TIMEOUT_CLIENT is \"10s?    mode http\": " TIME_LIKE},
    {{"TIMEOUT_CLIENT=0s"}, "TIMEOUT_CLIENT is \"0s\": " TIME_RANGE},
    {{"TIMEOUT_CLIENT=999us"}, "TIMEOUT_CLIENT is \"999us\": " TIME_RANGE},
    {{"TIMEOUT_SERVER=25d"}, "TIMEOUT_SERVER is \"25d\": " TIME_RANGE},
    {{"TIMEOUT_SERVER=2147483648ms"}, "TIMEOUT_SERVER is \"2147483648ms\": " TIME_RANGE},
    {{"TIMEOUT_SERVER=99999999999999999999s"},
     "TIMEOUT_SERVER is \"99999999999999999999s\": " TIME_RANGE},
    {{"EVIDENCE_WAIT=500"}, "EVIDENCE_WAIT is \"500\": " TIME_LIKE},
    {{"RELOAD_GRACE=never"}, "RELOAD_GRACE is \"never\": " TIME_LIKE},
    {{"PORT=0"}, "PORT is \"0\": " PORT_RANGE},
    {{"PORT=65536"}, "PORT is \"65536\": " PORT_RANGE},
    {{"PORT=443 ssl"}, "PORT is \"443 ssl\": " PORT_RANGE},
    {{"PORT=443,8443"}, "PORT is \"443,8443\": " PORT_RANGE},
    {{"PORT=0x1bb"}, "PORT is \"0x1bb\": " PORT_RANGE},
    {{"PORT=443\r"}, "PORT is \"443?\": " PORT_RANGE},
    {{"PORT=80"}, "PORT and EVIDENCE_PORT are both 80: give one of them another port"},
    {{"EVIDENCE_PORT=http"}, "EVIDENCE_PORT is \"http\": " PORT_RANGE},
    {{"DNS_PORT=-53"}, "DNS_PORT is \"-53\": " PORT_RANGE},
    {{"MAXCONN=0"}, "MAXCONN is \"0\": must be a whole number from 1 to 1000000"},
    {{"MAXCONN=4k"}, "MAXCONN is \"4k\": must be a whole number from 1 to 1000000"},
    {{"MAXCONN=18446744073709551617"},
     "MAXCONN is \"18446744073709551617\": must be a whole number from 1 to 1000000"},
    {{"RENEW_INTERVAL=12h"}, "RENEW_INTERVAL is \"12h\": must be a whole number from 1 to 2592000"},
    {{"RENEW_DAYS_BEFORE=0"}, "RENEW_DAYS_BEFORE is \"0\": must be a whole number from 1 to 365"},
    {{"CERTBOT_TIMEOUT=86401"},
     "CERTBOT_TIMEOUT is \"86401\": must be a whole number from 1 to 86400"},
    {{"PROPAGATION_TIMEOUT=1e3"},
     "PROPAGATION_TIMEOUT is \"1e3\": must be a whole number from 1 to 86400"},
    {{"SET_CAA=ture"}, "SET_CAA is \"ture\": " BOOLEAN},
    {{"STRICT_SNI= true"}, "STRICT_SNI is \" true\": " BOOLEAN},
    {{"EVIDENCE_SERVER=on"}, "EVIDENCE_SERVER is \"on\": " BOOLEAN},
    {{"ALPN=h2,"}, "ALPN is \"h2,\": " ALPN_LIKE},
    {{"ALPN=h2, http/1.1"}, "ALPN is \"h2, http/1.1\": " ALPN_LIKE},
    {{"ALPN=H2"}, "ALPN is \"H2\": " ALPN_LIKE},
    {{"ALPN=-h2"}, "ALPN is \"-h2\": " ALPN_LIKE},
    {{"ALPN=h2 accept-proxy"}, "ALPN is \"h2 accept-proxy\": " ALPN_LIKE},
    {{"ALPN=h2\n"}, "ALPN is \"h2?\": " ALPN_LIKE},
    {{"ALPN=" TEN TEN TEN "012"}, "ALPN is \"" TEN TEN TEN "012\": " ALPN_LIKE},
    {{"ALPN=a,b,c,d,e,f,g,h,i"}, "ALPN is \"a,b,c,d,e,f,g,h,i\": " ALPN_LIKE},
    {{"ALPN=h2,http/1.1,h2"}, "ALPN is \"h2,http/1.1,h2\": names a protocol twice"},
    {{"EVIDENCE_ROUTING=http"}, "EVIDENCE_ROUTING is \"http\": must be one of: connection"},
    {{"LOG_LEVEL=INFO"}, "LOG_LEVEL is \"INFO\": must be one of: error, warn, info, debug"},
    {{"LOG_LEVEL=warn info"},
     "LOG_LEVEL is \"warn info\": must be one of: error, warn, info, debug"},
    {{"LOG_FORMAT=js"}, "LOG_FORMAT is \"js\": must be one of: text, json"},
};

#define EMAIL_LIKE "must be one mail address such as ops@example.com"
#define URL_PATH                                                                       \
	"must have at most 1024 characters, and in its path only letters, digits and " \
	"\"/._~:+@-"
#define HTTPS_ONLY                                                                       \
	"must be https://, since credentials go there (http:// is for 127.0.0.1, [::1] " \
	"and localhost)"

static const struct refused acme[] = {
    {{"ACME_EMAIL=ops"}, "ACME_EMAIL is \"ops\": " EMAIL_LIKE},
    {{"ACME_EMAIL=@example.com"}, "ACME_EMAIL is \"@example.com\": " EMAIL_LIKE},
    {{"ACME_EMAIL=ops@localhost"}, "ACME_EMAIL is \"ops@localhost\": " EMAIL_LIKE},
    {{"ACME_EMAIL=a@example.com,b@example.com"},
     "ACME_EMAIL is \"a@example.com,b@example.com\": " EMAIL_LIKE},
    {{"ACME_EMAIL=--config-dir@example.com"},
     "ACME_EMAIL is \"--config-dir@example.com\": " EMAIL_LIKE},
    {{"ACME_EMAIL=a b@example.com"}, "ACME_EMAIL is \"a b@example.com\": " EMAIL_LIKE},
    {{"ACME_EMAIL=\"a\"@example.com"}, "ACME_EMAIL is \"\"a\"@example.com\": " EMAIL_LIKE},
    {{"ACME_EMAIL=a..b@example.com"}, "ACME_EMAIL is \"a..b@example.com\": " EMAIL_LIKE},
    {{"ACME_EMAIL=a@*.example.com"}, "ACME_EMAIL is \"a@*.example.com\": " EMAIL_LIKE},
    {{"CERTBOT_EMAIL=ops@example.com\nserver = x"},
     "CERTBOT_EMAIL is \"ops@example.com?server = x\": " EMAIL_LIKE},
    {{"ACME_EMAIL=a@example.com", "CERTBOT_EMAIL=b@example.com"},
     "ACME_EMAIL and CERTBOT_EMAIL are both set, and differ: keep ACME_EMAIL"},
    {{"ACME_STAGING=true", "CERTBOT_STAGING=no"},
     "ACME_STAGING and CERTBOT_STAGING are both set, and differ: keep ACME_STAGING"},
    {{"ACME_STAGING=true", "ACME_SERVER=https://ca.example.com/directory"},
     "ACME_STAGING (Let's Encrypt's staging) and ACME_SERVER are both set: keep one of them"},
    {{"ACME_SERVER=ca.example.com/directory"},
     "ACME_SERVER is \"ca.example.com/directory\": must begin with https://"},
    {{"ACME_SERVER=file:///etc/passwd"},
     "ACME_SERVER is \"file:///etc/passwd\": must begin with https://"},
    {{"ACME_SERVER=http://ca.example.com/"},
     "ACME_SERVER is \"http://ca.example.com/\": " HTTPS_ONLY},
    {{"ACME_SERVER=http://127.0.0.1.example.com/"},
     "ACME_SERVER is \"http://127.0.0.1.example.com/\": " HTTPS_ONLY},
    {{"ACME_SERVER=https://user:" CANARY "@ca.example.com/"},
     "ACME_SERVER is \"https://***@ca.example.com/\": must not have credentials in it"},
    {{"ACME_SERVER=https:///directory"},
     "ACME_SERVER is \"https:///directory\": must be https://host[:port]/path; the host is "
     "empty"},
    {{"ACME_SERVER=https://ca.example.com:x/"},
     "ACME_SERVER is \"https://ca.example.com:x/\": must be https://host[:port]/path; " BAD_PORT},
    {{"ACME_SERVER=https://ca.example.com/a b"},
     "ACME_SERVER is \"https://ca.example.com/a b\": " URL_PATH "?=&\""},
    {{"ACME_SERVER=https://ca.example.com/;x"},
     "ACME_SERVER is \"https://ca.example.com/;x\": " URL_PATH "?=&\""},
    {{"ACME_SERVER=https://ca.example.com/%(x)s"},
     "ACME_SERVER is \"https://ca.example.com/%(x)s\": " URL_PATH "?=&\""},
    {{"ACME_CA_BUNDLE=ca.pem"},
     "ACME_CA_BUNDLE is \"ca.pem\": must be an absolute path of letters, digits and "
     "\"._/@+-\""},
    {{"ACME_CA_BUNDLE=/nonexistent/ca.pem"},
     "ACME_CA_BUNDLE is \"/nonexistent/ca.pem\": must be a file that can be read: No such file "
     "or directory"},
    {{"ACME_CA_BUNDLE=/etc"}, "ACME_CA_BUNDLE is \"/etc\": must be a file with PEM certificates"},
    {{"ACME_EAB_KID=kid"},
     "ACME_EAB_KID and ACME_EAB_HMAC_KEY go together: ACME_EAB_HMAC_KEY is not set"},
    {{"ACME_EAB_HMAC_KEY=c2VjcmV0"},
     "ACME_EAB_KID and ACME_EAB_HMAC_KEY go together: ACME_EAB_KID is not set"},
    {{"ACME_EAB_KID=kid\nserver=x", "ACME_EAB_HMAC_KEY=c2VjcmV0"},
     "ACME_EAB_KID is \"kid?server=x\": must be 1 to 256 characters: letters, digits and "
     "\"._=-\""},
    {{"ACME_EAB_KID=kid", "ACME_EAB_HMAC_KEY=" CANARY "/+"},
     "ACME_EAB_HMAC_KEY is \"***\": must be base64url (letters, digits, \"-\" and \"_\")"},
};

#define PATH_LIKE "must be an absolute path of letters, digits and \"._/@+-\""
#define PROGRAM_LIKE                                                                  \
	"must be the name of a program or its absolute path, of letters, digits and " \
	"\"._/@+-\""

static const struct refused places[] = {
    {{"LETSENCRYPT_DIR=letsencrypt"}, "LETSENCRYPT_DIR is \"letsencrypt\": " PATH_LIKE},
    {{"LETSENCRYPT_DIR=/data/../etc"},
     "LETSENCRYPT_DIR is \"/data/../etc\": must be a path without \"..\""},
    {{"EVIDENCE_DIR=/"}, "EVIDENCE_DIR is \"/\": must not be the root folder"},
    {{"EVIDENCE_DIR=/data/my evidence"}, "EVIDENCE_DIR is \"/data/my evidence\": " PATH_LIKE},
    {{"EVIDENCE_DIR=/etc"},
     "LETSENCRYPT_DIR (/etc/letsencrypt) is inside EVIDENCE_DIR (/etc), which is public: move "
     "one of them"},
    {{"RUN_DIR=/evidences/run/"},
     "RUN_DIR (/evidences/run) is inside EVIDENCE_DIR (/evidences), which is public: move one of "
     "them"},
    {{"RUN_DIR=/run/" FIFTY TEN TEN TEN},
     "RUN_DIR is \"/run/" FIFTY TEN TEN "01234...\": must be at most 80 bytes long, this is 85"},
    {{"RUN_DIR=/run/x,level,admin"}, "RUN_DIR is \"/run/x,level,admin\": " PATH_LIKE},
    {{"RUN_DIR=/run/$USER"}, "RUN_DIR is \"/run/$USER\": " PATH_LIKE},
    {{"DSTACK_SOCKET=/run/" FIFTY FIFTY TEN},
     "DSTACK_SOCKET is \"/run/" FIFTY TEN TEN "01234...\": must be at most 107 bytes long, this "
     "is 115"},
    {{"TAPPD_SOCKET=/run/tappd.sock\\"}, "TAPPD_SOCKET is \"/run/tappd.sock\\\": " PATH_LIKE},
    {{"HAPROXY=haproxy -V"}, "HAPROXY is \"haproxy -V\": " PROGRAM_LIKE},
    {{"HAPROXY=bin/haproxy"}, "HAPROXY is \"bin/haproxy\": " PATH_LIKE},
    {{"CERTBOT=-c"}, "CERTBOT is \"-c\": " PROGRAM_LIKE},
    {{"CERTBOT=certbot;id"}, "CERTBOT is \"certbot;id\": " PROGRAM_LIKE},
};

#define RESOLVERS_LIKE                                                                   \
	"must be 1 to 8 addresses with or without a port, separated by commas, such as " \
	"\"192.0.2.53,[2001:db8::53]:5353\""
#define TOKEN_LIKE "must be one line of at most 4096 printable ASCII characters without spaces"
#define RFC2136 "CLOUDFLARE_API_TOKEN=", "RFC2136_SERVER=ns.example.net", "RFC2136_KEY_NAME=key"

static const struct refused dns[] = {
    {{"DNS_RESOLVERS=dns.example.net"}, "DNS_RESOLVERS is \"dns.example.net\": " RESOLVERS_LIKE},
    {{"DNS_RESOLVERS=192.0.2.1,"}, "DNS_RESOLVERS is \"192.0.2.1,\": " RESOLVERS_LIKE},
    {{"DNS_RESOLVERS=192.0.2.1:99999"}, "DNS_RESOLVERS is \"192.0.2.1:99999\": " RESOLVERS_LIKE},
    {{"CLOUDFLARE_API_TOKEN=" CANARY "\nAuthorization: x"},
     "CLOUDFLARE_API_TOKEN is \"***\": " TOKEN_LIKE},
    {{"CLOUDFLARE_API_TOKEN=" CANARY " "}, "CLOUDFLARE_API_TOKEN is \"***\": " TOKEN_LIKE},
    {{"CLOUDFLARE_API_TOKEN=" CANARY "\xc3\xa9"}, "CLOUDFLARE_API_TOKEN is \"***\": " TOKEN_LIKE},
    {{"CLOUDFLARE_API_URL=http://api.example.com"},
     "CLOUDFLARE_API_URL is \"http://api.example.com\": " HTTPS_ONLY},
    {{"CLOUDFLARE_API_URL=https://api.example.com/?a=b"},
     "CLOUDFLARE_API_URL is \"https://api.example.com/?a=b\": " URL_PATH "\""},
    {{"NAMECHEAP_CLIENT_IP=localhost"},
     "NAMECHEAP_CLIENT_IP is \"localhost\": must be an IPv4 address such as 203.0.113.7\n"
     "DNS_PROVIDER is not set, and there are credentials of several (CLOUDFLARE_API_TOKEN, "
     "NAMECHEAP_CLIENT_IP): set it to one of: cloudflare, namecheap"},
    {{"NAMECHEAP_SANDBOX=maybe"}, "NAMECHEAP_SANDBOX is \"maybe\": " BOOLEAN},
    {{"AWS_REGION=us east"},
     "AWS_REGION is \"us east\": must be 1 to 32 characters: letters, digits and \"-\""},
    {{"AWS_ROLE_ARN=-"},
     "AWS_ROLE_ARN is \"-\": must be 20 to 2048 characters: letters, digits and \":/_+=,.@-\""},
    {{"RFC2136_ZONE=a b"}, "RFC2136_ZONE is \"a b\": must be a DNS name; it " BAD_CHARACTER},
    {{RFC2136, "RFC2136_KEY_SECRET=" CANARY},
     "RFC2136_KEY_SECRET is \"***\": must be base64, a multiple of 4 characters long"},
    {{"RFC2136_KEY_ALGORITHM=hmac-sha384"},
     "RFC2136_KEY_ALGORITHM is \"hmac-sha384\": the DNS library (ldns) signs with it wrongly; "
     "use a key for hmac-sha256 or hmac-sha512"},
    {{"RFC2136_KEY_ALGORITHM=hmac-md5"},
     "RFC2136_KEY_ALGORITHM is \"hmac-md5\": must be one of: hmac-sha256, hmac-sha512"},
    {{"DNS_PROVIDER=cloudflair"},
     "DNS_PROVIDER is \"cloudflair\": must be one of: cloudflare, rfc2136"},
};

#define NOT_YET "this is not supported yet"

static const struct refused later[] = {
    {{"DNS_PROVIDER=linode"}, "DNS_PROVIDER is \"linode\": " NOT_YET},
    {{"DNS_PROVIDER=namecheap"}, "DNS_PROVIDER is \"namecheap\": " NOT_YET},
    {{"DNS_PROVIDER=route53"}, "DNS_PROVIDER is \"route53\": " NOT_YET},
    {{"DNS_PROVIDER=exec"}, "DNS_PROVIDER is \"exec\": " NOT_YET},
    {{"CLOUDFLARE_API_TOKEN=", "LINODE_API_TOKEN=" CANARY}, "DNS_PROVIDER is \"linode\": " NOT_YET},
    {{"CLOUDFLARE_API_TOKEN=", "AWS_ACCESS_KEY_ID=AKIAEXAMPLE"},
     "DNS_PROVIDER is \"route53\": " NOT_YET},
    {{"EVIDENCE_ROUTING=request"}, "EVIDENCE_ROUTING is \"request\": " NOT_YET},
    {{"METRICS_PORT=9100"}, "METRICS_PORT is \"9100\": " NOT_YET},
    {{"ACCEPT_PROXY_PROTOCOL=Yes"}, "ACCEPT_PROXY_PROTOCOL is \"true\": " NOT_YET},
    {{"SEND_PROXY_PROTOCOL=1"}, "SEND_PROXY_PROTOCOL is \"true\": " NOT_YET},
    {{"SEND_PROXY_PROTOCOL=app.example.com"},
     "SEND_PROXY_PROTOCOL is \"app.example.com\": " NOT_YET},
    {{"DELEGATION_ZONE=deleg.example.net"},
     "DELEGATION_ZONE is set: keeping all records in another zone is not supported yet"},
    {{"CHALLENGE_TYPE=tls-alpn-01"},
     "CHALLENGE_TYPE is set: an ACME challenge other than dns-01 is not supported yet"},
};

static void check_one(const struct refused *refused)
{
	const char *variables[5] = {NULL};
	struct loaded loaded;
	char wanted[2048];

	memcpy(variables, refused->variables, sizeof(refused->variables));
	fixture_load_for(&loaded, FOR_SUPERVISOR, variables);
	if (refused->problem == NULL) {
		assert_good(&loaded);
	} else {
		snprintf(wanted, sizeof(wanted), "%s\n", refused->problem);
		assert_refused(&loaded, wanted);
	}
	assert_null(strstr(buffer_text(&loaded.problems), CANARY));
	assert_null(strstr(buffer_text(&loaded.warnings), CANARY));
	fixture_free(&loaded);
}

#define CHECK_TABLE(table)                                                      \
	static void test_##table(void **state)                                  \
	{                                                                       \
		(void)state;                                                    \
		for (size_t i = 0; i < sizeof(table) / sizeof((table)[0]); i++) \
			check_one(&(table)[i]);                                 \
	}

CHECK_TABLE(domains)
CHECK_TABLE(routes)
CHECK_TABLE(plain)
CHECK_TABLE(acme)
CHECK_TABLE(places)
CHECK_TABLE(dns)
CHECK_TABLE(later)

/* Each of these in each variable that has a value of its own grammar. */
static void test_no_variable_lets_syntax_through(void **state)
{
	static const char *const names[] = {"DOMAIN",
					    "TARGET_ENDPOINT",
					    "GATEWAY_DOMAIN",
					    "ACME_EMAIL",
					    "CERTBOT_EMAIL",
					    "DNS_PROVIDER",
					    "PORT",
					    "SET_CAA",
					    "TXT_PREFIX",
					    "APP_ID",
					    "ACME_STAGING",
					    "CERTBOT_STAGING",
					    "ACME_SERVER",
					    "ACME_CA_BUNDLE",
					    "ACME_EAB_KID",
					    "ACME_EAB_HMAC_KEY",
					    "MAXCONN",
					    "TIMEOUT_CONNECT",
					    "TIMEOUT_CLIENT",
					    "TIMEOUT_SERVER",
					    "ALPN",
					    "EVIDENCE_SERVER",
					    "EVIDENCE_ROUTING",
					    "EVIDENCE_PORT",
					    "EVIDENCE_WAIT",
					    "STRICT_SNI",
					    "ACCEPT_PROXY_PROTOCOL",
					    "SEND_PROXY_PROTOCOL",
					    "RENEW_INTERVAL",
					    "RENEW_DAYS_BEFORE",
					    "CERTBOT_TIMEOUT",
					    "PROPAGATION_TIMEOUT",
					    "DNS_RESOLVERS",
					    "DNS_PORT",
					    "RELOAD_GRACE",
					    "LOG_LEVEL",
					    "LOG_FORMAT",
					    "METRICS_PORT",
					    "LETSENCRYPT_DIR",
					    "EVIDENCE_DIR",
					    "RUN_DIR",
					    "DSTACK_SOCKET",
					    "TAPPD_SOCKET",
					    "HAPROXY",
					    "CERTBOT",
					    "CLOUDFLARE_API_URL",
					    "NAMECHEAP_USERNAME",
					    "NAMECHEAP_CLIENT_IP",
					    "AWS_ACCESS_KEY_ID",
					    "AWS_ROLE_ARN",
					    "AWS_REGION",
					    "ROUTE53_API_URL",
					    "STS_API_URL",
					    "RFC2136_SERVER",
					    "RFC2136_KEY_NAME",
					    "RFC2136_KEY_SECRET",
					    "RFC2136_KEY_ALGORITHM",
					    "RFC2136_ZONE",
					    "DNS_EXEC"};
	static const char *const values[] = {
	    "a\nb", "a b", "a\"b",  "a'b",    "a;b",   "a#b",	   "a%b", "a\\b", "a$b", "a`b",
	    "a{b}", "a|b", "a\x7f", "a\x01z", "-a\tb", "\xc2\x9b", "<a>", "!a",	  "(a)", "a\rb"};
	char variable[128];
	struct loaded loaded;

	(void)state;
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		for (size_t j = 0; j < sizeof(values) / sizeof(values[0]); j++) {
			snprintf(variable, sizeof(variable), "%s=%s", names[i], values[j]);
			fixture_load(&loaded, variable);
			assert_null(loaded.settings);
			assert_non_null(strstr(buffer_text(&loaded.problems), names[i]));
			fixture_free(&loaded);
		}
	}
}

static void test_all_problems_at_once(void **state)
{
	struct loaded loaded;

	(void)state;
	fixture_load(&loaded, "PORT=x", "MAXCONN=y", "DOMAIN=z", "GATEWAY_DOMAIN=");
	assert_refused(&loaded,
		       "DOMAIN is \"z\": " DOMAIN_LIKE "it has no dot, so no public CA issues for "
		       "it\n"
		       "PORT is \"x\": " PORT_RANGE "\n"
		       "MAXCONN is \"y\": must be a whole number from 1 to 1000000\n"
		       "GATEWAY_DOMAIN is not set: give the name of the dstack gateway that the "
		       "domain points at, such as _.dstack-prod5.phala.network\n");
	assert_string_equal(loaded.err.text, "4 settings are wrong");
	fixture_free(&loaded);
	fixture_load(&loaded, "PORT=x");
	assert_string_equal(loaded.err.text, "1 setting is wrong");
	fixture_free(&loaded);
}

static void test_a_flood_of_problems_is_counted(void **state)
{
	struct buffer domains_value;
	struct loaded loaded;

	(void)state;
	buffer_init(&domains_value, 64 * 1024);
	buffer_puts(&domains_value, "DOMAINS=");
	for (int i = 0; i < 900; i++)
		buffer_printf(&domains_value, "bad_%d,", i);
	fixture_load(&loaded, buffer_text(&domains_value));
	const char *text = buffer_text(&loaded.problems);
	assert_non_null(strstr(text, "(entry 100)"));
	assert_null(strstr(text, "(entry 101)"));
	assert_non_null(strstr(text, "\nand 800 more\n"));
	assert_string_equal(loaded.err.text, "900 settings are wrong");
	fixture_free(&loaded);
	buffer_free(&domains_value);
}

static void test_values_over_the_maximum(void **state)
{
	size_t length = SETTINGS_VALUE_MAX + 64;
	char *variable = malloc(length);
	struct loaded loaded;

	(void)state;
	assert_non_null(variable);
	memset(variable, 'a', length - 1);
	variable[length - 1] = '\0';
	memcpy(variable, "DOMAINS=", 8);
	fixture_load(&loaded, variable);
	assert_non_null(
	    strstr(buffer_text(&loaded.problems), "...\": must be at most 1048576 bytes long\n"));
	assert_true(loaded.problems.length < 200);
	fixture_free(&loaded);
	free(variable);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_domains),
	    cmocka_unit_test(test_routes),
	    cmocka_unit_test(test_plain),
	    cmocka_unit_test(test_acme),
	    cmocka_unit_test(test_places),
	    cmocka_unit_test(test_dns),
	    cmocka_unit_test(test_later),
	    cmocka_unit_test(test_no_variable_lets_syntax_through),
	    cmocka_unit_test(test_all_problems_at_once),
	    cmocka_unit_test(test_a_flood_of_problems_is_counted),
	    cmocka_unit_test(test_values_over_the_maximum),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
