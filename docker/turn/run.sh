#!/bin/sh
# Starts coturn with what differs from place to place, and has it read a renewed certificate. The service `coturn` of
# turn/compose.yaml runs it.
#
# A command line can be read by everybody on the host, so the secret goes into a file that only coturn reads.
set -eu
umask 077
{ cat /etc/coturn/turnserver.conf; echo "static-auth-secret=$TURN_SECRET"; } > /var/tmp/turnserver.conf
unset TURN_SECRET

certificate=/certificates/fullchain.pem
key=/certificates/privkey.pem
server=$$
state() { if [ -r "$certificate" ] && [ -r "$key" ]; then cat "$certificate" "$key" | cksum; else echo none; fi; }

# Who talks over TURN goes on talking: SIGUSR2 is for new connections. Without a certificate at its start coturn has not
# opened the port for TLS at all, so it ends, and is started again.
watch() {
    before=$1
    while sleep 60 && kill -0 "$server"; do
        now=$(state)
        [ "$now" != "$before" ] || continue
        if [ "$before" = none ]; then kill -TERM "$server"; else kill -USR2 "$server"; fi
        before=$now
    done
}
watch "$(state)" &

# Debian's own has no figures for Prometheus. They are for the network that Prometheus is on, and for nobody outside.
if turnserver --help 2>&1 | grep -q prometheus-address; then
    set -- "$@" --prometheus "--prometheus-address=$WATCHED_AT" --prometheus-port=9641
fi
exec turnserver -c /var/tmp/turnserver.conf "--realm=$DOMAIN" "--allowed-peer-ip=$PUBLIC_ADDRESS" \
    --cert="$certificate" --pkey="$key" "$@"
