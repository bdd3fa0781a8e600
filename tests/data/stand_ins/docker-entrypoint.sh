#!/bin/sh
# What the entry points of the images of PostgreSQL and Redis do, as far as the stack needs it.
set -eu
case $1 in
postgres)
    data=$PGDATA
    if [ ! -e "$data/PG_VERSION" ]; then
        install -d -o postgres -g postgres -m 0700 "$data"
        install -o postgres -m 0400 "$POSTGRES_PASSWORD_FILE" /tmp/password
        setpriv --reuid=postgres --regid=postgres --init-groups initdb --pgdata="$data" --username="$POSTGRES_USER" \
            --pwfile=/tmp/password --auth-local=trust --auth-host=scram-sha-256
        rm /tmp/password
        echo "host all all all scram-sha-256" >>"$data/pg_hba.conf"
        as="setpriv --reuid=postgres --regid=postgres --init-groups"
        $as pg_ctl --pgdata="$data" -o "-c listen_addresses=" --wait start
        $as createdb --host=/var/run/postgresql --username="$POSTGRES_USER" "$POSTGRES_DB" || true
        $as pg_ctl --pgdata="$data" --wait stop
    fi
    exec setpriv --reuid=postgres --regid=postgres --init-groups postgres -D "$data" -c "listen_addresses=*"
    ;;
redis-server)
    exec setpriv --reuid=redis --regid=redis --init-groups "$@"
    ;;
*)
    exec "$@"
    ;;
esac
