# The service with everything it starts: Python, ffmpeg, setpriv (util-linux). Runs as an ordinary user, and needs to
# write to /opt/restream/log and /tmp alone.
#
#   docker build .                              ffmpeg 8, one static program: without SRT
#   docker build --build-arg FFMPEG=debian .    Debian's ffmpeg 5.1, which has SRT: larger, and more memory per camera
#   docker build --build-arg PICTURES=yes .     with what `pictures.enabled` needs: 180 MB more
FROM python:3.11.13-slim-bookworm AS base

RUN groupadd --system --gid 10001 restream \
    && useradd --system --uid 10001 --gid restream --home-dir /opt/restream --shell /usr/sbin/nologin restream

FROM base AS ffmpeg
ARG FFMPEG=lean
COPY etc/image ./image
RUN sh image/ffmpeg.sh "$FFMPEG" /out

FROM base AS program
WORKDIR /opt/restream
COPY srvc_restream.py ./
COPY src ./src
COPY etc ./etc
# Whoever runs it may write nothing there: else every start of the service and of a relay worker compiles all modules.
# What a checkout of umask 077 brings is readable to its owner alone.
RUN python -m compileall -q src && chmod -R a+rX .

FROM base
WORKDIR /opt/restream

# Before the sources: a change of them installs nothing anew.
COPY requirements.lock ./
RUN pip install --no-cache-dir --disable-pip-version-check --require-hashes -r requirements.lock
ARG PICTURES=no
COPY etc/pictures.lock ./etc/
RUN [ "$PICTURES" = no ] \
    || pip install --no-cache-dir --disable-pip-version-check --require-hashes -r etc/pictures.lock
COPY --from=ffmpeg /out /
COPY --from=program /opt/restream ./
# All of it is there and can be executed.
RUN mkdir log && chown restream:restream log \
    && ldconfig && ffmpeg -version && ffprobe -version && setpriv --version

ENV PYTHONUNBUFFERED=1 \
    PYTHONDONTWRITEBYTECODE=1 \
    PYTHONPATH=/opt/restream/src

USER restream
EXPOSE 8000 9898

# The event loop answers, or it does not; cameras and servers that are down are no reason to restart the service.
HEALTHCHECK --interval=15s --timeout=5s --start-period=20s --retries=3 \
    CMD ["python", "-c", "import os, urllib.request as u; u.urlopen('http://127.0.0.1:' + (os.environ.get('RESTREAM_HTTP__PORT') or '8000') + '/livez', timeout=4)"]

# Publishers are children of the service, which reaps them itself; what they leave behind goes to docker's init (init: true).
ENTRYPOINT ["python", "/opt/restream/srvc_restream.py"]
CMD ["run", "--plain"]
