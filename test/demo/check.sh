#!/bin/sh
# Checks a running demo from outside, with curl, openssl, dig and sha256sum.
#
#   test/demo/check.sh build/demo
#
# One line per check, "ok - ..." or "FAIL - ...: what was seen"; the last is "N passed, N failed".
# ingressctl is used to ask for a renewal and to know when ingressd is at rest, and not believed
# otherwise; what it says of the evidence (verify) is checked by hand beside it.  The certificate of app.demo.test is renewed and ingressd is killed on the way.
set -u

[ -f "${1-}/demo.env" ] || {
	echo 'usage: test/demo/check.sh build/demo    (while "make demo" runs there)' >&2
	exit 64
}
dir=$(cd "$1" && pwd)
# shellcheck source=/dev/null
. "$dir/demo.env"
: "${DEMO_BIN:?}" "${DEMO_PORT:?}" "${DEMO_DNS_PORT:?}" "${DEMO_APP_ID:?}" "${DEMO_CAA_ISSUER:?}"
: "${DEMO_ORDERS_URL:?}" "${DEMO_SLOWNESS:?}"

# What the first answer after a crash may take; DEMO_SLOWNESS is more than 1 under sanitizers.
restart_ms=$((1000 * DEMO_SLOWNESS))
rest_seconds=$((60 * DEMO_SLOWNESS))
# Fewer requests than this during a renewal would be no load.
least_requests=20

work=$(mktemp -d)
trap 'touch "$work/stop"; wait; rm -rf "$work"' EXIT
trap 'exit 1' HUP INT TERM
cd "$work" || exit 1

passed=0 failed=0

ok() {
	passed=$((passed + 1))
	echo "ok - $1"
}

fail() {
	failed=$((failed + 1))
	echo "FAIL - $1: $(printf %s "$2" | tr '\n' ' ' | cut -c 1-1000)"
}

# WHAT WANTED SEEN
same() {
	if [ "$2" = "$3" ]; then ok "$1"; else fail "$1" "'$3', should be '$2'"; fi
}

# WHAT WANTED-PART SEEN
contains() {
	case $3 in
	*"$2"*) ok "$1" ;;
	*) fail "$1" "'$3', should have '$2' in it" ;;
	esac
}

# ---- looking

# NAME PATH: over a new connection, the certificate verified.
fetch() {
	curl -q -gsS --fail --noproxy '*' --max-time 10 --cacert "$dir/ca.pem" \
		--resolve "$1:$DEMO_PORT:127.0.0.1" "https://$1:$DEMO_PORT$2" 2>&1
}

# NAME: the leaf as PEM, or nothing unless the chain and the name are verified.
served() {
	openssl s_client -connect "127.0.0.1:$DEMO_PORT" -servername "$1" -CAfile "$dir/ca.pem" \
		-verify_hostname "$1" -verify_return_error </dev/null >s_client.out 2>s_client.err &&
		openssl x509 <s_client.out
}

# WHAT WHERE: -fingerprint or the like of the certificate on standard input.  Two that are
# missing are not the same.
certificate() {
	openssl x509 -noout -sha256 "$1" 2>/dev/null | sed 's/^.*=//' | grep . ||
		echo "no certificate is $2: $(tail -n 1 s_client.err)"
}

served_serial() { # NAME
	served "$1" | certificate -serial "served for $1 at $(milliseconds)"
}

# NAME TYPE: the answers of the zone's own server, in one order, on one line.  A packet of somebody
# else's that comes to dig's port ends it with a remark (";; ..."): it asks again then.
records() {
	for _ in 1 2 3; do
		found=$(dig +norecurse +short +time=5 -p "$DEMO_DNS_PORT" @127.0.0.1 "$1" "$2" 2>&1)
		case $found in *';;'*) ;; *) break ;; esac
	done
	printf '%s\n' "$found" | sort | paste -sd'|'
}

# How many the CA has had; nothing if it does not say.
orders() {
	curl -q -s --noproxy '*' --max-time 10 "$DEMO_ORDERS_URL" | grep -x '[0-9]*'
}

# The value of a member of type string, on standard input.
json_string() {
	tr -d '\n' | sed -n "s/.*\"$1\"[[:space:]]*:[[:space:]]*\"\([^\"]*\)\".*/\1/p"
}

milliseconds() {
	echo $(($(date +%s%N) / 1000000))
}

ingressctl() {
	"$DEMO_BIN/ingressctl" --socket "$dir/run/control.sock" "$@"
}

# SECONDS COMMAND...: whether it succeeds before they are over.
within() {
	end=$(($(milliseconds) + $1 * 1000))
	shift
	until "$@"; do
		[ "$(milliseconds)" -lt "$end" ] || return 1
		sleep 0.02
	done
}

# ---- names and certificates

check_app() { # NAME BACKEND SAN
	contains "https://$1 is answered by its own backend" "\"name\": \"$2\"" "$(fetch "$1" /hello)"
	same "the certificate of $1 is the CA's, verified, for $3 alone" "DNS:$3" \
		"$(served "$1" | openssl x509 -noout -ext subjectAltName 2>&1 | sed -n '2s/^ *//p')"
}

check_stranger() {
	curl -q -s --noproxy '*' --max-time 10 --cacert "$dir/ca.pem" -o /dev/null \
		--resolve "stranger.demo.test:$DEMO_PORT:127.0.0.1" \
		"https://stranger.demo.test:$DEMO_PORT/"
	same "a name without a certificate is not verified (curl: 60)" 60 $?
}

# ---- evidence

# FOLDER FILE: says what is wrong.
fetch_file() {
	case $2 in
	*/* | '')
		echo "sha256sum.txt has a line without a plain file name: '$2'"
		return 1
		;;
	esac
	fetch app.demo.test "/evidences/$2" >"$1/$2" && return
	echo "/evidences/$2: $(tail -n 1 "$1/$2")"
	return 1
}

# Into the new folder $1; each file as sha256sum.txt lists it, and the quote.
fetch_evidence() {
	mkdir "$1"
	fetch_file "$1" sha256sum.txt || return
	sed 's/^[0-9a-f]*  //' "$1/sha256sum.txt" >"$1.names"
	echo quote.json >>"$1.names"
	while read -r name; do
		fetch_file "$1" "$name" || return
	done <"$1.names"
}

# Hex digits of REPORTDATA in the quote on standard input: byte 520 of the TD's report, which
# begins behind the header of 48 bytes, in version 5 behind 6 more that tell its type and size.
report_data() {
	quote=$(json_string quote)
	case $quote in
	0400*) at=$((48 + 520)) ;;
	0500*) at=$((48 + 6 + 520)) ;;
	*)
		echo "no TDX quote of version 4 or 5 but '$(printf %.40s "$quote")...'"
		return
		;;
	esac
	printf %s "$quote" | cut -c "$((at * 2 + 1))-$(((at + 64) * 2))"
}

check_evidence() { # FOLDER WHEN
	if ! said=$(fetch_evidence "$1"); then
		fail "the evidence$2 can be fetched" "$said"
		return
	fi
	same "sha256sum.txt$2 lists the account and each certificate" \
		'acme-account.json|cert-*.wild.demo.test.pem|cert-api.demo.test.pem|cert-app.demo.test.pem' \
		"$(sed 's/^[0-9a-f]*  //' "$1/sha256sum.txt" | LC_ALL=C sort | paste -sd'|')"
	if sums=$(cd "$1" && sha256sum -c --strict sha256sum.txt 2>&1); then
		ok "sha256sum -c holds$2"
	else
		fail "sha256sum -c holds$2" "$sums"
	fi
	digest=$(sha256sum <"$1/sha256sum.txt" | cut -c 1-64)
	same "REPORTDATA of the quote$2 is sha256(sha256sum.txt) and 32 zero bytes" \
		"$digest$(printf %064d 0)" "$(report_data <"$1/quote.json")"
	for pair in app.demo.test=app.demo.test api.demo.test=api.demo.test \
		any.wild.demo.test='*.wild.demo.test'; do
		same "the certificate of ${pair#*=} in the evidence$2 is the one served" \
			"$(served "${pair%=*}" | certificate -fingerprint served)" \
			"$(certificate -fingerprint published <"$1/cert-${pair#*=}.pem")"
	done
}

# Options of verify: its status, and all that it says in the file "verdict".
verify() {
	"$DEMO_BIN/ingressctl" verify "https://app.demo.test:$DEMO_PORT" \
		--connect-to "127.0.0.1:$DEMO_PORT" --ca "$dir/ca.pem" "$@" >verdict 2>&1
}

check_verify() { # WHEN
	required=tls-chain,live-certificate,checksums,report-data,event-log,fresh-quote,manifest
	if verify --root "$dir/quote-root.pem" --app-id "$DEMO_APP_ID" --require "$required,app-id"; then
		ok "ingressctl verify finds the app$1"
	else
		fail "ingressctl verify finds the app$1" "$(cat verdict)"
	fi
	verify
	same "ingressctl verify refuses a quote that does not end at Intel's root$1" 1 $?
	contains "it says that this is why$1" 'REFUSED, since quote-chain failed' "$(cat verdict)"
	verify --root "$dir/quote-root.pem" --app-id 0000000000000000000000000000000000000000
	same "ingressctl verify refuses another app$1" 1 $?
	contains "it says which app it saw$1" "seen $DEMO_APP_ID" "$(cat verdict)"
}

# ---- DNS

check_dns() {
	account=$(json_string uri <first/acme-account.json)
	pin="\"$DEMO_CAA_ISSUER; validationmethods=dns-01; accounturi=$account\""
	contains 'the evidence names the ACME account' https:// "$account"
	same 'the gateway has its addresses' '127.0.0.1|::1' \
		"$(records gateway.demo.test A)|$(records gateway.demo.test AAAA)"
	for name in app.demo.test api.demo.test; do
		# A CAA record stands at this name, which a CNAME allows none beside.
		same "$name has no CNAME" '' "$(records $name CNAME)"
		for type in A AAAA; do
			same "$name has the $type records of the gateway" \
				"$(records gateway.demo.test $type)" "$(records $name $type)"
		done
		same "TXT _dstack-app-address.$name is APP_ID:PORT" "\"$DEMO_APP_ID:$DEMO_PORT\"" \
			"$(records _dstack-app-address.$name TXT)"
		same "CAA of $name pins the CA, the account of the evidence and dns-01" \
			"0 issue $pin" "$(records $name CAA)"
	done
	same '*.wild.demo.test is a CNAME of the gateway' gateway.demo.test. \
		"$(records '*.wild.demo.test' CNAME)"
	same 'TXT _dstack-app-address-wildcard.wild.demo.test is APP_ID:PORT' \
		"\"$DEMO_APP_ID:$DEMO_PORT\"" \
		"$(records _dstack-app-address-wildcard.wild.demo.test TXT)"
	same 'CAA of wild.demo.test pins the wildcard, and lets nobody issue for the rest' \
		"0 issue \";\"|0 issuewild $pin" "$(records wild.demo.test CAA)"
}

# ---- renewal under load

# FILE: a line per request, until the file `stop` is there.
load() {
	while [ ! -e stop ]; do
		answer=$(fetch app.demo.test /load)
		case $answer in
		*'"name": "app"'*) echo served ;;
		*) echo "failed: $answer" ;;
		esac
	done >"$1"
}

enough_load() {
	[ "$(cat load.1 load.2 2>/dev/null | wc -l)" -ge "$1" ]
}

check_renewal() {
	serial=$(served_serial app.demo.test)
	others=$(served_serial api.demo.test)$(served_serial any.wild.demo.test)
	before=$(orders)
	load load.1 &
	loads=$!
	load load.2 &
	loads="$loads $!"
	within "$rest_seconds" enough_load "$least_requests" # it is steady before anything happens
	if said=$(timeout "$rest_seconds" "$DEMO_BIN/ingressctl" \
		--socket "$dir/run/control.sock" renew app.demo.test --force 2>&1); then
		ok 'ingressctl renew app.demo.test --force'
	else
		fail 'ingressctl renew app.demo.test --force' "$said"
	fi
	within "$rest_seconds" enough_load $(($(cat load.1 load.2 | wc -l) + least_requests))
	touch stop
	# shellcheck disable=SC2086 # two process ids
	wait $loads
	rm stop
	requests=$(cat load.1 load.2 | wc -l)
	bad=$(cat load.1 load.2 | grep -vc '^served$')
	if [ "$bad" -eq 0 ] && [ "$requests" -ge $((2 * least_requests)) ]; then
		ok "0 of $requests requests failed during the renewal"
	else
		fail 'no request failed during the renewal' \
			"$bad of $requests: $(cat load.1 load.2 | grep -v '^served$' | head -n 3)"
	fi
	renewed=$(served_serial app.demo.test)
	case $renewed in
	"$serial" | *[!0-9A-F]*) fail 'a new certificate is served' "'$renewed', before it '$serial'" ;;
	*) ok "a new certificate is served: $renewed instead of $serial" ;;
	esac
	same 'the other certificates are the same as before' "$others" \
		"$(served_serial api.demo.test)$(served_serial any.wild.demo.test)"
	same 'the renewal took one order' "$((before + 1)), ${before:-unknown} before" \
		"$(orders), ${before:-none} before"
	check_evidence second ' after the renewal'
	check_verify ' after the renewal'
}

# ---- a crash

is_another() {
	pid=$(cat "$dir/ingressd.pid") && [ "$pid" != "$1" ]
}

serves() {
	fetch app.demo.test / >answer && grep -q '"name": "app"' answer
}

# All three certificates are looked at, and nothing is due.
is_at_rest() {
	[ "$(ingressctl status --json 2>/dev/null | grep -c '"state":[[:space:]]*"settled"')" -eq 3 ]
}

check_crash() {
	before=$(orders)
	serial=$(served_serial app.demo.test)
	killed=$(cat "$dir/ingressd.pid")
	began=$(milliseconds)
	kill -9 "$killed"
	if within "$rest_seconds" is_another "$killed" && within "$rest_seconds" serves; then
		took=$(($(milliseconds) - began))
	else
		fail 'ingressd serves again after kill -9' "$(cat answer)"
		return
	fi
	if [ "$took" -le "$restart_ms" ]; then
		ok "first good answer $took ms after kill -9 (at most $restart_ms)"
	else
		fail "first good answer within $restart_ms ms after kill -9" "$took ms"
	fi
	if within "$rest_seconds" is_at_rest; then
		ok 'ingressd comes to rest after it'
	else
		fail 'ingressd comes to rest after it' "$(ingressctl status 2>&1)"
	fi
	same 'the certificate is the one from before the crash' "$serial" \
		"$(served_serial app.demo.test)"
	same 'the restart placed no order' "${before:-a number}" "$(orders)"
}

# ---- a wrong setting

check_setting() {
	said=$(
		set -a
		# shellcheck source=/dev/null
		. "$dir/ingressd.env"
		TIMEOUT_CONNECT=10 timeout 10 "$DEMO_BIN/ingressd" 2>&1
	)
	same 'TIMEOUT_CONNECT=10 is refused with exit status 78' 78 $?
	contains 'the refusal names TIMEOUT_CONNECT' TIMEOUT_CONNECT "$said"
}

# ----

unset CURL_CA_BUNDLE SSL_CERT_FILE SSL_CERT_DIR
check_app app.demo.test app app.demo.test
check_app api.demo.test api api.demo.test
check_app one.wild.demo.test wild '*.wild.demo.test'
check_app two.wild.demo.test wild '*.wild.demo.test'
check_stranger
check_evidence first ''
check_verify ''
check_dns
check_renewal
check_crash
check_setting

echo "$passed passed, $failed failed"
[ "$failed" -eq 0 ]
