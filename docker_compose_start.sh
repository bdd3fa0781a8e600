#!/usr/bin/env bash
# Checks what the stack needs, starts it, and asks the service itself whether everything is reachable.
#
#   ./docker_compose_start.sh [--demo] [options of `docker compose up`]
set -euo pipefail
cd "$(dirname "$(readlink -f "$0")")"

say() { printf '%s\n' "docker_compose_start.sh: $*" >&2; }
die() { say "$1"; exit "${2:-3}"; }

command -v docker >/dev/null || die "docker is not installed: https://docs.docker.com/engine/install/"
docker compose version >/dev/null 2>&1 || die "the compose plugin is not installed: apt install docker-compose-plugin"
docker info >/dev/null 2>&1 || die "the Docker Engine does not answer: start it, or join the group docker"
[ -f .env ] || die "there is no .env: cp .env.example .env, then replace every change-me" 2
if left=$(grep -nE '^[A-Z_]+=change-me$' .env); then
    die "replace these secrets in .env: $(printf '%s' "$left" | sed 's/=change-me//; s/^[0-9]*://' | tr '\n' ' ')" 2
fi

profile=()
if [ "${1:-}" = --demo ]; then
    profile=(--profile demo)
    shift
fi

docker compose "${profile[@]}" config --quiet || die "docker-compose.yml or .env cannot be used" 2
docker compose build restream
# The stores first: the check asks them, in the image and with the environment that the service will have.
docker compose up --detach --wait postgres redis mediamtx
if grep -q '^COMPOSE_FILE=.*nodes' .env; then
    docker compose up --detach --wait mediamtx-2
    docker compose run --rm --no-deps nodes-tables
fi
docker compose run --rm --no-deps restream check --plain || die "the preflight check failed: see above" 1
exec docker compose "${profile[@]}" up --detach "$@"
