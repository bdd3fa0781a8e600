#!/bin/sh
# A `systemctl` for a Debian in a folder: runs the one unit as its user, in its directory, with its environment.
set -eu
unit=/etc/systemd/system/restream.service
pid_file=/run/restream.pid

said() { sed -n "s/^$1=-\{0,1\}//p" "$unit"; }

alive() {
    [ -e $pid_file ] && [ -e "/proc/$(cat $pid_file)/stat" ] && ! grep -q '^[0-9]* (.*) Z' "/proc/$(cat $pid_file)/stat"
}

start() {
    user=$(said User) group=$(said Group)
    for directory in "/var/log/$(said LogsDirectory)" "/var/lib/$(said StateDirectory)"; do
        install -d -o "$user" -g "$group" "$directory"
    done
    (
        set -a
        [ ! -e "$(said EnvironmentFile)" ] || . "$(said EnvironmentFile)"
        LOGS_DIRECTORY=/var/log/$(said LogsDirectory) STATE_DIRECTORY=/var/lib/$(said StateDirectory)
        HOME=$(getent passwd "$user" | cut -d: -f6)
        umask "$(said UMask)"
        cd "$(said WorkingDirectory)"
        $(said ExecStartPre) || true
        exec setsid setpriv --reuid="$user" --regid="$group" --init-groups $(said ExecStart)
    ) >>/mnt/journal 2>&1 </dev/null &
    echo $! >$pid_file
    for _ in $(seq 600); do
        alive || exit 1
        ! grep -q " is up: http" /mnt/journal || return 0
        sleep 0.1
    done
    exit 1
}

stop() {
    alive || return 0
    kill "$(cat $pid_file)"
    for _ in $(seq 300); do
        alive || break
        sleep 0.1
    done
    ! alive
    rm $pid_file
    mv /mnt/journal /mnt/journal-before
}

case "$*" in
"enable --now restream" | "start restream") start ;;
"disable --now restream" | "stop restream") stop ;;
"status --no-pager restream") alive ;;
daemon-reload) ;;
*)
    echo "what is systemctl $*?" >&2
    exit 1
    ;;
esac
