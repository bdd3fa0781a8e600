#!/usr/bin/env bash
# Makes the secrets, checks what the stack needs, starts it, and asks the service itself whether everything is reachable.
#
#   ./docker_compose_start.sh [--demo] [options of `docker compose up`]
set -euo pipefail
cd "$(dirname "$(readlink -f "$0")")"

say() { printf '%s\n' "docker_compose_start.sh: $*" >&2; }
die() { say "$1"; exit "${2:-3}"; }

# What compose makes of .env, with its quotes, blanks and line ends.
check_values() {
    local config=$1 port host
    while read -r port; do
        [[ $port =~ ^[1-9][0-9]{0,4}$ ]] && ((port < 65536)) ||
            die "a port of .env is ${port@Q}: expected a number from 1 to 65535" 2
    done < <(sed -n 's/^ *published: //p' <<<"$config" | tr -d "\"'")
    host=$(sed -nE 's|^ *RESTREAM_MEDIAMTX__PUBLIC__RTSP: "?rtsp://(.*):[0-9]+"?$|\1|p' <<<"$config" | head -n 1)
    [[ $host =~ ^([A-Za-z0-9._-]+|\[[0-9A-Fa-f:]+\])$ ]] ||
        die "PUBLIC_HOST of .env is ${host@Q}: expected a host name or an address, without scheme and port" 2
}

# Files named in docker-compose.yml. Containers have users of their own: each file is readable, the directory is closed.
make_secrets() {
    local config=$1 left volume file value
    if left=$(grep -oE '^[[:space:]]*(export[[:space:]]+)?[A-Z]+_(PASSWORD|TOKEN)[[:space:]]*=' .env 2>/dev/null); then
        die "secrets are files now: put what .env has for $(tr -d '=\n' <<<"$left") into secrets/, in lower case (secrets/postgres_password), and take it out of .env" 2
    fi
    volume=$(sed -n 's/^ *name: \(.*postgres-data\)$/\1/p' <<<"$config")
    if [ ! -e secrets/postgres_password ] && [ -n "$volume" ] && docker volume inspect "$volume" >/dev/null 2>&1; then
        die "the database of the volume $volume has a password already: put it into secrets/postgres_password" 2
    fi
    mkdir -p secrets
    chmod 0700 secrets
    for file in $(sed -nE 's|.*\{file: \./(secrets/[a-z_]+)\}.*|\1|p' docker-compose.yml); do
        [ -e "$file" ] || od -An -N24 -tx1 /dev/urandom | tr -d ' \n' >"$file"
        chmod 0444 "$file"
        value=$(cat "$file" && printf .) || die "$file cannot be read" 2
        value=${value%.}
        # They stand in URLs and configuration files.
        [[ ${value%$'\n'} =~ ^[A-Za-z0-9_-]{12,128}$ ]] ||
            die "$file: expected one line of 12 to 128 letters, digits, _ and -" 2
    done
}

# Docker's exit codes and those of the check are the same numbers: the container tells whose it was. It has a name of its
# own among the nodes: the service may run, when this is an upgrade.
check_servers() {
    local name=restream-check-$$ state
    docker compose run --name "$name" --env RESTREAM_NODE__NAME=check --no-deps restream check --plain || true
    state=$(docker inspect --format '{{.State.StartedAt}} {{.State.ExitCode}}' "$name" 2>/dev/null) || state=
    docker rm --force "$name" >/dev/null 2>&1 || true
    case $state in
        "" | 0001-*) die "Docker could not run the check: see above" ;;
        *" 0") ;;
        *" 1") die "the preflight check failed: see above" 1 ;;
        *) die "the check ended with exit code ${state##* }: see above" "${state##* }" ;;
    esac
}

profile=()
if [ "${1:-}" = --demo ]; then
    profile=(--profile demo)
    shift
fi

command -v docker >/dev/null || die "docker is not installed: https://docs.docker.com/engine/install/"
docker compose version >/dev/null 2>&1 || die "the compose plugin is not installed: apt install docker-compose-plugin"
docker info >/dev/null 2>&1 || die "the Docker Engine does not answer: start it, or join the group docker"
closed=$(find etc \( -type d ! -perm -005 -o -type f ! -perm -004 \) -print -quit 2>/dev/null) || true
[ -z "$closed" ] || die "$closed cannot be read by the users of the containers: chmod -R o+rX etc" 2
config=$(docker compose "${profile[@]}" config) || die "docker-compose.yml or .env cannot be used: see above" 2
check_values "$config"
make_secrets "$config"

docker compose build restream || die "the image could not be built: see above"
# The stores first: the check asks them, in the image and with the environment that the service will have.
docker compose up --detach --wait postgres redis mediamtx ||
    die "Docker could not start PostgreSQL, Redis and MediaMTX: see above, and docker compose logs"
docker compose run --rm --no-deps tables || die "the cameras table could not be made: see above"
if [[ $config == *nodes-tables:* ]]; then
    docker compose up --detach --wait mediamtx-2 || die "Docker could not start mediamtx-2: see above"
    docker compose run --rm --no-deps nodes-tables || die "the tables of nodes could not be made: see above"
fi
check_servers
exec docker compose "${profile[@]}" up --detach "$@"
