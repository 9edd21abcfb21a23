/* Every bad value is refused with the variable, the value and the rule; nothing that could
 * mean something to HAProxy, certbot or a shell gets through. */
#include "test_settings_refused.h"

#define CARRIAGE_RETURN "; it ends with a carriage return, the line end of Windows: remove that"
#define BOOLEAN "must be true or false (or yes, no, 1, 0)"
#define TIME_LIKE "must be a time with a unit (us, ms, s, m, h, d), for example \"10s\""
#define TIME_RANGE "must be a time from 1ms to 2147483647ms (24 days), for example \"10s\""
#define TIME_OR_0                                                                                \
	"must be a time with a unit (ms, s, m, h, d) up to 2147483647ms (24 days), for example " \
	"\"10s\", or 0"
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
    {{"TIMEOUT_CLIENT=10s\n    mode http"},
     "TIMEOUT_CLIENT is \"10s\\x0a    mode http\": " TIME_LIKE},
    {{"TIMEOUT_CLIENT=0s"}, "TIMEOUT_CLIENT is \"0s\": " TIME_RANGE},
    {{"TIMEOUT_CLIENT=999us"}, "TIMEOUT_CLIENT is \"999us\": " TIME_RANGE},
    {{"TIMEOUT_SERVER=25d"}, "TIMEOUT_SERVER is \"25d\": " TIME_RANGE},
    {{"TIMEOUT_SERVER=2147483648ms"}, "TIMEOUT_SERVER is \"2147483648ms\": " TIME_RANGE},
    {{"TIMEOUT_SERVER=99999999999999999999s"},
     "TIMEOUT_SERVER is \"99999999999999999999s\": " TIME_RANGE},
    {{"EVIDENCE_WAIT=500"}, "EVIDENCE_WAIT is \"500\": " TIME_LIKE},
    {{"RELOAD_GRACE=never"}, "RELOAD_GRACE is \"never\": " TIME_LIKE},
    {{"STOP_GRACE=8"}, "STOP_GRACE is \"8\": " TIME_OR_0},
    {{"STOP_GRACE=-1s"}, "STOP_GRACE is \"-1s\": " TIME_OR_0},
    {{"STOP_GRACE=999us"}, "STOP_GRACE is \"999us\": " TIME_OR_0},
    {{"STOP_GRACE=25d"}, "STOP_GRACE is \"25d\": " TIME_OR_0},
    {{"PORT=0"}, "PORT is \"0\": " PORT_RANGE},
    {{"PORT=65536"}, "PORT is \"65536\": " PORT_RANGE},
    {{"PORT=443 ssl"}, "PORT is \"443 ssl\": " PORT_RANGE},
    {{"PORT=443,8443"}, "PORT is \"443,8443\": " PORT_RANGE},
    {{"PORT=0x1bb"}, "PORT is \"0x1bb\": " PORT_RANGE},
    {{"PORT=443\r"}, "PORT is \"443\\x0d\": " PORT_RANGE CARRIAGE_RETURN},
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
    {{"ORDERS_AT_ONCE=0"}, "ORDERS_AT_ONCE is \"0\": must be a whole number from 1 to 16"},
    {{"ORDERS_AT_ONCE=17"}, "ORDERS_AT_ONCE is \"17\": must be a whole number from 1 to 16"},
    {{"PROPAGATION_TIMEOUT=1e3"},
     "PROPAGATION_TIMEOUT is \"1e3\": must be a whole number from 1 to 86400"},
    {{"SET_CAA=ture"}, "SET_CAA is \"ture\": " BOOLEAN},
    {{"STRICT_SNI= true"},
     "STRICT_SNI is \" true\": " BOOLEAN "; it begins with a space: remove that"},
    {{"EVIDENCE_SERVER=on"}, "EVIDENCE_SERVER is \"on\": " BOOLEAN},
    {{"ALPN=h2,"}, "ALPN is \"h2,\": " ALPN_LIKE},
    {{"ALPN=h2, http/1.1"}, "ALPN is \"h2, http/1.1\": " ALPN_LIKE},
    {{"ALPN=H2"}, "ALPN is \"H2\": " ALPN_LIKE},
    {{"ALPN=-h2"}, "ALPN is \"-h2\": " ALPN_LIKE},
    {{"ALPN=h2 accept-proxy"}, "ALPN is \"h2 accept-proxy\": " ALPN_LIKE},
    {{"ALPN=h2\n"}, "ALPN is \"h2\\x0a\": " ALPN_LIKE},
    {{"ALPN=" TEN TEN TEN "012"}, "ALPN is \"" TEN TEN TEN "012\": " ALPN_LIKE},
    {{"ALPN=a,b,c,d,e,f,g,h,i"}, "ALPN is \"a,b,c,d,e,f,g,h,i\": " ALPN_LIKE},
    {{"ALPN=h2,http/1.1,h2"}, "ALPN is \"h2,http/1.1,h2\": names a protocol twice"},
    {{"PROPAGATION_CHECK=some"},
     "PROPAGATION_CHECK is \"some\": must be one of: authoritative, resolvers, off"},
    {{"ORDER_LIMITS=zerossl"}, "ORDER_LIMITS is \"zerossl\": must be one of: letsencrypt, none"},
    {{"ADOPTED_KEYS=yes"}, "ADOPTED_KEYS is \"yes\": must be one of: serve, renew"},
    {{"EVIDENCE_ROUTING=http"},
     "EVIDENCE_ROUTING is \"http\": must be one of: connection, request"},
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
	"must be https://, so that nobody reads or changes what goes there (http:// is " \
	"for 127.0.0.1, [::1] and localhost)"

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
     "CERTBOT_EMAIL is \"ops@example.com\\x0aserver = x\": " EMAIL_LIKE},
    {{"ACME_EMAIL=a@example.com", "CERTBOT_EMAIL=b@example.com"},
     "ACME_EMAIL and CERTBOT_EMAIL are both set, and differ: keep ACME_EMAIL"},
    {{"ACME_STAGING=true", "CERTBOT_STAGING=no"},
     "ACME_STAGING and CERTBOT_STAGING are both set, and differ: keep ACME_STAGING"},
    {{"ACME_STAGING=true", "ACME_SERVER=https://ca.example.com/directory"},
     "ACME_STAGING (Let's Encrypt's staging) and ACME_SERVER are both set: keep one of them"},
    {{"ACME_STAGING=true", "ACME_DIRECTORY_URL=https://ca.example.com/directory"},
     "ACME_STAGING (Let's Encrypt's staging) and ACME_DIRECTORY_URL are both set: keep one of "
     "them"},
    {{"ACME_SERVER=https://ca.example.com/a", "ACME_DIRECTORY_URL=https://ca.example.com/b"},
     "ACME_SERVER and ACME_DIRECTORY_URL are both set, and differ: keep ACME_SERVER"},
    {{"ACME_DIRECTORY_URL=ca.example.com/directory"},
     "ACME_DIRECTORY_URL is \"ca.example.com/directory\": must begin with https://"},
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
     "ACME_EAB_KID is \"kid\\x0aserver=x\": must be 1 to 256 characters: letters, digits and "
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
     "RUN_DIR is \"/run/" FIFTY TEN TEN "01234...\": must be at most 69 bytes long, this is 85"},
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
#define ZONE_LIKE "must be the name of a zone such as acme.example.net, but "
#define LABEL_60 "a23456789012345678901234567890123456789012345678901234567890"
#define LONG_ZONE LABEL_60 "." LABEL_60 "." LABEL_60 "." LABEL_60 ".example"
#define TARGETS_LIKE "must be DNS names, each of which stands for all below it as well; it "
#define TOKEN_LIKE "must be one line of at most 4096 printable ASCII characters without spaces"
#define RFC2136 "CLOUDFLARE_API_TOKEN=", "RFC2136_SERVER=ns.example.net", "RFC2136_KEY_NAME=key"

static const struct refused dns[] = {
    {{"DNS_RESOLVERS=dns.example.net"}, "DNS_RESOLVERS is \"dns.example.net\": " RESOLVERS_LIKE},
    {{"DNS_RESOLVERS=192.0.2.1,"}, "DNS_RESOLVERS is \"192.0.2.1,\": " RESOLVERS_LIKE},
    {{"DNS_RESOLVERS=192.0.2.1:99999"}, "DNS_RESOLVERS is \"192.0.2.1:99999\": " RESOLVERS_LIKE},
    {{"CHALLENGE_TARGETS=acme.example.net,*.example.net"},
     "CHALLENGE_TARGETS has \"*.example.net\" (entry 2): " TARGETS_LIKE "has a '*' that is not "
     "allowed there (only *.example.com, where wildcards are possible)"},
    {{"CHALLENGE_TARGETS=net"},
     "CHALLENGE_TARGETS has \"net\" (entry 1): " TARGETS_LIKE "has no dot"},
    {{"DELEGATION_ZONE=*.example.net"},
     "DELEGATION_ZONE is \"*.example.net\": " ZONE_LIKE
     "has a '*' that is not allowed there (only *.example.com, where wildcards are possible)"},
    {{"DELEGATION_ZONE=net"}, "DELEGATION_ZONE is \"net\": " ZONE_LIKE "has no dot"},
    {{"DELEGATION_ZONE=192.0.2.1"},
     "DELEGATION_ZONE is \"192.0.2.1\": " ZONE_LIKE "is an IP address, not a domain name"},
    {{"DELEGATION_ZONE=deleg.example.net", "ALIAS_DOMAIN=shared.example.com"},
     "ALIAS_DOMAIN is \"shared.example.com\", whose records cannot be kept in DELEGATION_ZONE: "
     "where "
     "a name that several apps share leads is not for one of them to say. Take one of the two out"},
    {{"DELEGATION_ZONE=a.example.net", "ACME_CHALLENGE_ALIAS=b.example.net"},
     "DELEGATION_ZONE and ACME_CHALLENGE_ALIAS are both set, and differ: keep DELEGATION_ZONE"},
    {{"DELEGATION_ZONE=" LONG_ZONE},
     "DELEGATION_ZONE is \"" LONG_ZONE "\": _dstack-app-address.app.example.com"
     " with that behind it is longer than 253 characters; take a zone with a shorter name"},
    {{"CHALLENGE_TARGETS=192.0.2.1"},
     "CHALLENGE_TARGETS has \"192.0.2.1\" (entry 1): " TARGETS_LIKE
     "is an IP address, not a domain name"},
    {{"DNS_SETUP_MODE=ask"}, "DNS_SETUP_MODE is \"ask\": must be one of: wait, print, webhook"},
    {{"DNS_SETUP_INTERVAL=0"},
     "DNS_SETUP_INTERVAL is \"0\": must be a whole number from 1 to 86400"},
    {{"DOH_RESOLVERS=https://dns.example.net/dns-query, dns.example.org"},
     "DOH_RESOLVERS has \"dns.example.org\" (entry 2): must begin with https://"},
    {{"DOH_RESOLVERS=http://dns.example.net/dns-query"},
     "DOH_RESOLVERS has \"http://dns.example.net/dns-query\" (entry 1): " HTTPS_ONLY},
    {{"DNS_SETUP_MODE=webhook", "DNS_WEBHOOK_TOKEN=" CANARY},
     "DNS_SETUP_MODE is \"webhook\", which needs DNS_WEBHOOK_URL"},
    {{"DNS_WEBHOOK_URL=http://hook.example.net/"},
     "DNS_WEBHOOK_URL is \"http://hook.example.net/\": " HTTPS_ONLY},
    {{"CLOUDFLARE_API_TOKEN=" CANARY "\nAuthorization: x"},
     "CLOUDFLARE_API_TOKEN is \"***\": " TOKEN_LIKE},
    {{"CLOUDFLARE_API_TOKEN=" CANARY " "},
     "CLOUDFLARE_API_TOKEN is \"***\": " TOKEN_LIKE "; it ends with a space: remove that"},
    {{"CLOUDFLARE_API_TOKEN=" CANARY "\xc3\xa9"}, "CLOUDFLARE_API_TOKEN is \"***\": " TOKEN_LIKE},
    {{"CLOUDFLARE_API_URL=http://api.example.com"},
     "CLOUDFLARE_API_URL is \"http://api.example.com\": " HTTPS_ONLY},
    {{"CLOUDFLARE_API_URL=https://api.example.com/?a=b"},
     "CLOUDFLARE_API_URL is \"https://api.example.com/?a=b\": " URL_PATH "\""},
    {{"NAMECHEAP_CLIENT_IP=localhost"},
     "NAMECHEAP_CLIENT_IP is \"localhost\": must be an IPv4 address such as 203.0.113.7\n"
     "DNS_PROVIDER is not set, and there are credentials of several (CLOUDFLARE_API_TOKEN, "
     "NAMECHEAP_CLIENT_IP): set it to one of: cloudflare, namecheap"},
    {{"DNS_PROVIDER=namecheap", "NAMECHEAP_API_KEY=" CANARY},
     "DNS_PROVIDER is \"namecheap\", which needs NAMECHEAP_USERNAME, NAMECHEAP_CLIENT_IP too"},
    {{"NAMECHEAP_SANDBOX=maybe"}, "NAMECHEAP_SANDBOX is \"maybe\": " BOOLEAN},
    {{"AWS_REGION=us east"},
     "AWS_REGION is \"us east\": must be 1 to 32 characters: letters, digits and \"-\""},
    {{"AWS_ROLE_ARN=-"},
     "AWS_ROLE_ARN is \"-\": must be 20 to 2048 characters: letters, digits and \":/_+=,.@-\""},
    {{"AWS_CONTAINER_CREDENTIALS_FULL_URI=http://169.254.170.3/x"},
     "AWS_CONTAINER_CREDENTIALS_FULL_URI is \"http://169.254.170.3/x\": must be https://, since "
     "credentials go there (http:// is for 127.0.0.1, [::1] and localhost, and for the addresses "
     "of AWS's metadata services)"},
    {{"AWS_CONTAINER_CREDENTIALS_RELATIVE_URI=.example.com/x"},
     "AWS_CONTAINER_CREDENTIALS_RELATIVE_URI is \".example.com/x\": must be an absolute path of "
     "letters, digits and \"._/@+-\""},
    {{"ROUTE53_API_URL=http://169.254.170.2"},
     "ROUTE53_API_URL is \"http://169.254.170.2\": " HTTPS_ONLY},
    {{"RFC2136_ZONE=a b"}, "RFC2136_ZONE is \"a b\": must be a DNS name; it " BAD_CHARACTER},
    {{RFC2136, "RFC2136_KEY_SECRET=" CANARY},
     "RFC2136_KEY_SECRET is \"***\": must be base64, a multiple of 4 characters long"},
    {{"RFC2136_KEY_ALGORITHM=hmac-sha384"},
     "RFC2136_KEY_ALGORITHM is \"hmac-sha384\": the DNS library (ldns) signs with it wrongly; "
     "use a key for hmac-sha256 or hmac-sha512"},
    {{"RFC2136_KEY_ALGORITHM=hmac-md5"},
     "RFC2136_KEY_ALGORITHM is \"hmac-md5\": must be one of: hmac-sha256, hmac-sha512"},
    {{"DNS_PROVIDER=cloudflair"},
     "DNS_PROVIDER is \"cloudflair\": must be one of: cloudflare, linode, namecheap, route53, "
     "rfc2136, exec"},
};

#define NOT_YET "this is not supported yet"

static const struct refused later[] = {
    {{"METRICS_PORT=9100"}, "METRICS_PORT is \"9100\": " NOT_YET},
    {{"CHALLENGE_TYPE=tls-alpn-01"},
     "CHALLENGE_TYPE is set: only dns-01 is supported, which needs the credentials of a DNS "
     "provider: give them and remove this variable. What lego has left on the volume is served "
     "until there is another certificate"},
    {{"ROUTE53_INITIAL_WEIGHT=100"},
     "ROUTE53_INITIAL_WEIGHT is set: weighted records are not made, since a weight decides who "
     "gets the traffic: make them in Route 53 by hand (ALIAS_DOMAIN takes what stands at a shared "
     "name as it is), and remove this variable"},
    {{"DETERMINISTIC_TLS_KEY=true"},
     "DETERMINISTIC_TLS_KEY is set: keys are random and new with each certificate, never derived "
     "from the app: remove this variable. Clients that pin a key have to go by the evidence "
     "instead"},
};

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
					    "ACME_DIRECTORY_URL",
					    "ALIAS_DOMAIN",
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
					    "ORDERS_AT_ONCE",
					    "ORDER_LIMITS",
					    "ADOPTED_KEYS",
					    "PROPAGATION_TIMEOUT",
					    "PROPAGATION_CHECK",
					    "DNS_RESOLVERS",
					    "DNS_PORT",
					    "CHALLENGE_TARGETS",
					    "DELEGATION_ZONE",
					    "DNS_SETUP_MODE",
					    "DNS_SETUP_TIMEOUT",
					    "DNS_SETUP_INTERVAL",
					    "DOH_RESOLVERS",
					    "DOH_CA_BUNDLE",
					    "DNS_WEBHOOK_URL",
					    "DNS_WEBHOOK_TIMEOUT",
					    "DNS_WEBHOOK_CA_BUNDLE",
					    "RELOAD_GRACE",
					    "STOP_GRACE",
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
					    "AWS_HOSTED_ZONE_ID",
					    "AWS_CONTAINER_CREDENTIALS_RELATIVE_URI",
					    "AWS_CONTAINER_CREDENTIALS_FULL_URI",
					    "AWS_EC2_METADATA_DISABLED",
					    "AWS_EC2_METADATA_SERVICE_ENDPOINT",
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
	    strstr(buffer_text(&loaded.problems), "...\": must be at most 4194304 bytes long\n"));
	assert_true(loaded.problems.length < 200);
	fixture_free(&loaded);
	free(variable);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_plain),
	    cmocka_unit_test(test_acme),
	    cmocka_unit_test(test_places),
	    cmocka_unit_test(test_dns),
	    cmocka_unit_test(test_later),
	    cmocka_unit_test(test_no_variable_lets_syntax_through),
	    cmocka_unit_test(test_values_over_the_maximum),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
