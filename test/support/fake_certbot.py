"""What a script in the place of certbot needs."""

from __future__ import annotations

ASKING = """\
ask() {
    echo "$1" "$2" "$3" >"$INGRESS_ASK" && read -r answer <"$INGRESS_ANSWER" &&
        [ "$answer" = done ]
}
"""
"""A function of the shell: asks ingressd as certbot's hooks do. `ask auth DOMAIN VALUE`"""
