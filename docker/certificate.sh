#!/bin/sh
# Gets the certificate, renews it when it is due, and hands it over to those who use it. The service `certificate` of
# compose.yaml runs it.
#
# The first try often comes before the domain leads here or port 80 is open: it is repeated after 1, 5 and 15 minutes,
# then every hour (Let's Encrypt lets a name fail five times an hour). Once there is a certificate, it is looked at
# twice a day.
set -u
trap 'exit 0' TERM
umask 077

# The relay and coturn run without privileges: they get copies, which group 10001 may read.
hand_over() {
    cp -fL "/etc/letsencrypt/live/$DOMAIN/$1" /certificates/new && chown 0:10001 /certificates/new \
        && chmod 0440 /certificates/new && mv -f /certificates/new "/certificates/$1"
}

rest() {
    sleep "$1" &
    wait $!
}

failures=0
while :; do
    if certbot certonly --standalone --non-interactive --agree-tos --keep-until-expiring \
        -m "$CERTIFICATE_EMAIL" -d "$DOMAIN" \
        && hand_over fullchain.pem && hand_over privkey.pem; then
        failures=0
        rest 12h
        continue
    fi
    failures=$((failures + 1))
    case $failures in
        1) pause=1m ;;
        2) pause=5m ;;
        3) pause=15m ;;
        *) pause=1h ;;
    esac
    echo "There is no new certificate. The next try is in $pause; \`docker compose restart certificate\` tries at once." >&2
    rest $pause
done
