/* Many small RTSP cameras in one process, at next to no cost: all of them play one clip, each from its own start.

     small_cameras FILE.clip COUNT

   Camera N (from 0) listens on 127.1.(N / 250).(N % 250 + 1), all on one port: each is a host of its own, as in the
   field. Interleaved only, no login. `READY PORT` is printed first. Commands are lines on standard input, its end ends
   the process: `drop N` closes the connections of a camera, `freeze N` leaves them open without a byte, answers too. */

#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/tcp.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

enum { PER_NET = 250, MOST_CAMERAS = 5000, MOST_PACKETS = 4096, IN_BYTES = 4096, OUT_BYTES = 65536, TICK_MS = 5 };
enum { CLOCK_RATE = 90000, REPORT_US = 5000000 };

struct packet { uint32_t offset_us; uint16_t size; const uint8_t *rtp; };
struct session {
    struct session *next;
    int camera, fd, playing, frozen, channel, in_bytes, out_bytes;
    unsigned at, loops, packets, octets;
    uint32_t ssrc, origin;
    uint16_t sequence;
    int64_t started_us, reported_us;
    char in[IN_BYTES + 1];
    uint8_t out[OUT_BYTES];
};

static uint8_t *clip;
static const char *sdp;
static int sdp_bytes, packet_count, cameras, events;
static uint32_t duration_us, first_timestamp;
static struct packet packets[MOST_PACKETS];
static int listeners[MOST_CAMERAS];
static struct session *sessions;

static void fail(const char *what) { perror(what); exit(1); }
static uint16_t get16(const uint8_t *p) { return (uint16_t)(p[0] << 8 | p[1]); }
static uint32_t get32(const uint8_t *p) { return (uint32_t)get16(p) << 16 | get16(p + 2); }
static void put16(uint8_t *p, uint16_t v) { p[0] = (uint8_t)(v >> 8); p[1] = (uint8_t)v; }
static void put32(uint8_t *p, uint32_t v) { put16(p, (uint16_t)(v >> 16)); put16(p + 2, (uint16_t)v); }

static int64_t now_us(clockid_t clock) {
    struct timespec now;
    clock_gettime(clock, &now);
    return (int64_t)now.tv_sec * 1000000 + now.tv_nsec / 1000;
}

/* The format of clip files: src/restream/demo/clip_file.py. */
static void load(const char *path) {
    FILE *file = fopen(path, "rb");
    if (!file || fseek(file, 0, SEEK_END)) fail(path);
    long size = ftell(file);
    rewind(file);
    clip = malloc((size_t)size);
    if (!clip || fread(clip, 1, (size_t)size, file) != (size_t)size) fail(path);
    fclose(file);
    duration_us = get32(clip + 6);
    sdp_bytes = get16(clip + 10);
    sdp = (const char *)clip + 12;
    for (long at = 12 + sdp_bytes; at + 7 <= size && packet_count < MOST_PACKETS; packet_count++) {
        packets[packet_count] = (struct packet){get32(clip + at), get16(clip + at + 5), clip + at + 7};
        at += 7 + packets[packet_count].size;
    }
    first_timestamp = get32(packets[0].rtp + 4);
}

static void flush_out(struct session *s) {
    ssize_t sent = s->out_bytes ? send(s->fd, s->out, (size_t)s->out_bytes, MSG_DONTWAIT | MSG_NOSIGNAL) : 0;
    if (sent <= 0) return;
    s->out_bytes -= (int)sent;
    memmove(s->out, s->out + sent, (size_t)s->out_bytes);
}

static uint8_t *frame(struct session *s, int channel, int size) {
    uint8_t *at = s->out + s->out_bytes;
    at[0] = '$';
    at[1] = (uint8_t)channel;
    put16(at + 2, (uint16_t)size);
    s->out_bytes += 4 + size;
    return at + 4;
}

static void add_report(struct session *s, int64_t played_us) {
    int64_t now = now_us(CLOCK_REALTIME);
    uint8_t *at = frame(s, s->channel + 1, 28);
    put32(at, 0x80c80006);
    put32(at + 4, s->ssrc);
    put32(at + 8, (uint32_t)(now / 1000000 + 2208988800));
    put32(at + 12, (uint32_t)(((uint64_t)(now % 1000000) << 32) / 1000000));
    put32(at + 16, s->origin + (uint32_t)(played_us * CLOCK_RATE / 1000000));
    put32(at + 20, s->packets);
    put32(at + 24, s->octets);
    s->reported_us = played_us;
}

/* What is due; a reader that takes nothing misses pictures, and is not waited for. */
static void play(struct session *s, int64_t now) {
    int64_t played_us = now - s->started_us;
    int before = s->out_bytes;
    if (s->frozen || !s->playing) return;
    if (played_us - s->reported_us >= REPORT_US && s->out_bytes == 0) add_report(s, played_us);
    while ((int64_t)s->loops * duration_us + packets[s->at].offset_us <= played_us) {
        const struct packet *p = &packets[s->at];
        if (s->out_bytes + 4 + p->size <= OUT_BYTES) {
            uint8_t *at = frame(s, s->channel, p->size);
            memcpy(at, p->rtp, p->size);
            put16(at + 2, s->sequence++);
            uint32_t ticks = (uint32_t)((uint64_t)s->loops * duration_us * CLOCK_RATE / 1000000);
            put32(at + 4, s->origin + ticks + get32(p->rtp + 4) - first_timestamp);
            put32(at + 8, s->ssrc);
            s->packets++;
            s->octets += p->size - 12u;
        }
        if (++s->at == (unsigned)packet_count) { s->at = 0; s->loops++; }
    }
    if (before || s->out_bytes) flush_out(s);
}

static void answer(struct session *s, const char *status, const char *cseq, const char *headers, const char *body) {
    int room = OUT_BYTES - s->out_bytes;
    int size = snprintf((char *)s->out + s->out_bytes, (size_t)room,
                        "RTSP/1.0 %s\r\nCSeq: %.*s\r\n%sContent-Length: %zu\r\n\r\n%s", status,
                        (int)strcspn(cseq, "\r\n"), cseq, headers, strlen(body), body);
    if (size < room) s->out_bytes += size;
    flush_out(s);
}

static void begin(struct session *s) {
    s->playing = 1;
    s->ssrc = (uint32_t)random();
    s->origin = (uint32_t)random() & 0x3fffffff;
    s->sequence = (uint16_t)random();
    s->started_us = now_us(CLOCK_MONOTONIC);
    s->reported_us = -REPORT_US;
}

/* Whether the session goes on. */
static int serve(struct session *s, char *request) {
    char headers[512], body[4096], url[512] = "";
    const char *cseq = strcasestr(request, "\nCSeq:");
    cseq = cseq ? cseq + 6 + strspn(cseq + 6, " ") : "0";
    if (s->frozen) return 1;
    sscanf(request, "%*s %511s", url);
    snprintf(headers, sizeof headers, "Session: %08x;timeout=60\r\n", (unsigned)s->fd);
    if (!strncmp(request, "OPTIONS", 7)) {
        answer(s, "200 OK", cseq, "Public: OPTIONS, DESCRIBE, SETUP, PLAY, TEARDOWN, GET_PARAMETER\r\n", "");
    } else if (!strncmp(request, "DESCRIBE", 8)) {
        snprintf(headers, sizeof headers, "Content-Base: %.400s/\r\nContent-Type: application/sdp\r\n", url);
        snprintf(body, sizeof body, "%.*s", sdp_bytes, sdp);
        answer(s, "200 OK", cseq, headers, body);
    } else if (!strncmp(request, "SETUP", 5)) {
        const char *channels = strcasestr(request, "interleaved=");
        if (!channels) { answer(s, "461 Unsupported Transport", cseq, "", ""); return 1; }
        s->channel = atoi(channels + 12) & 0xfe;
        size_t used = strlen(headers);
        snprintf(headers + used, sizeof headers - used, "Transport: RTP/AVP/TCP;unicast;interleaved=%d-%d\r\n",
                 s->channel, s->channel + 1);
        answer(s, "200 OK", cseq, headers, "");
    } else if (!strncmp(request, "TEARDOWN", 8)) {
        answer(s, "200 OK", cseq, headers, "");
        return 0;
    } else {
        answer(s, "200 OK", cseq, headers, "");
        if (!strncmp(request, "PLAY", 4)) begin(s);
    }
    return 1;
}

/* Requests, and the receiver's reports between them; whether the session goes on. */
static int hear(struct session *s) {
    ssize_t got = recv(s->fd, s->in + s->in_bytes, (size_t)(IN_BYTES - s->in_bytes), MSG_DONTWAIT);
    if (got <= 0) return got < 0 && (errno == EAGAIN || errno == EINTR);
    s->in_bytes += (int)got;
    for (;;) {
        int used = 0;
        s->in[s->in_bytes] = 0;
        if (s->in_bytes >= 4 && s->in[0] == '$') {
            used = 4 + get16((uint8_t *)s->in + 2);
            if (used > s->in_bytes) return used <= IN_BYTES;
        } else {
            char *end = strstr(s->in, "\r\n\r\n");
            if (!end) return s->in_bytes < IN_BYTES;
            used = (int)(end - s->in) + 4;
            *end = 0;
            if (!serve(s, s->in)) return 0;
        }
        s->in_bytes -= used;
        memmove(s->in, s->in + used, (size_t)s->in_bytes);
    }
}

static void watch(int fd, void *who) {
    struct epoll_event event = {.events = EPOLLIN, .data.ptr = who};
    if (epoll_ctl(events, EPOLL_CTL_ADD, fd, &event)) fail("epoll_ctl");
}

static void greet(int *listener) {
    int fd = accept4(*listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC), yes = 1;
    if (fd < 0) return;
    struct session *s = calloc(1, sizeof *s);
    if (!s) fail("calloc");
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &yes, sizeof yes);
    s->fd = fd;
    s->camera = (int)(listener - listeners);
    s->next = sessions;
    sessions = s;
    watch(fd, s);
}

static void forget(struct session *s) {
    struct session **at = &sessions;
    while (*at != s) at = &(*at)->next;
    *at = s->next;
    close(s->fd);
    free(s);
}

/* Whole lines only: who commands writes them in one piece. */
static void obey(void) {
    char lines[4096], *rest = lines, *line;
    ssize_t got = read(0, lines, sizeof lines - 1);
    if (got <= 0) exit(0);
    lines[got] = 0;
    while ((line = strsep(&rest, "\n")) && *line) {
        char word[16];
        int camera;
        if (sscanf(line, "%15s %d", word, &camera) != 2) continue;
        for (struct session *s = sessions, *next; s; s = next) {
            next = s->next;
            if (s->camera != camera) continue;
            if (!strcmp(word, "freeze")) s->frozen = 1;
            if (!strcmp(word, "drop")) shutdown(s->fd, SHUT_RDWR);
        }
    }
}

static void open_all(void) {
    struct sockaddr_in address = {.sin_family = AF_INET};
    socklen_t size = sizeof address;
    int yes = 1;
    for (int n = 0; n < cameras; n++) {
        int fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
        address.sin_addr.s_addr = htonl(0x7f010000u | (uint32_t)(n / PER_NET) << 8 | (uint32_t)(n % PER_NET + 1));
        setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof yes);
        if (fd < 0 || bind(fd, (struct sockaddr *)&address, size) || listen(fd, 16)) fail("listen");
        if (getsockname(fd, (struct sockaddr *)&address, &size)) fail("getsockname");
        listeners[n] = fd;
        watch(fd, &listeners[n]);
    }
    printf("READY %d\n", ntohs(address.sin_port));
    fflush(stdout);
}

int main(int argc, char **argv) {
    struct rlimit files;
    struct epoll_event found[256];
    if (argc != 3 || (cameras = atoi(argv[2])) < 1 || cameras > MOST_CAMERAS) return 2;
    getrlimit(RLIMIT_NOFILE, &files);
    files.rlim_cur = files.rlim_max;
    setrlimit(RLIMIT_NOFILE, &files);
    load(argv[1]);
    events = epoll_create1(EPOLL_CLOEXEC);
    open_all();
    watch(0, NULL);
    for (int64_t last = 0;;) {
        int count = epoll_wait(events, found, 256, TICK_MS);
        for (int n = 0; n < count; n++) {
            void *who = found[n].data.ptr;
            if (!who) obey();
            else if ((int *)who >= listeners && (int *)who < listeners + MOST_CAMERAS) greet(who);
            else if (!hear(who)) forget(who);
        }
        int64_t now = now_us(CLOCK_MONOTONIC);
        if (now - last < TICK_MS * 1000) continue;
        last = now;
        for (struct session *s = sessions; s; s = s->next) play(s, now);
    }
}
