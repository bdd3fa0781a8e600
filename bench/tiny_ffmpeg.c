/* A stand-in for ffmpeg and ffprobe that weighs next to nothing, to measure the supervisor alone.
 *
 *   cc -O2 -o ffmpeg tiny_ffmpeg.c && ln -s ffmpeg ffprobe
 *
 * As ffprobe it answers with one H.264 stream at once; as ffmpeg it reports progress every second, as ffmpeg 5.1 does,
 * until it is told to end.
 */
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

static void leave(int number) { (void)number; _exit(255); }

int main(int argc, char **argv)
{
    char discard[4096];
    const char *name = strrchr(argv[0], '/');
    name = name ? name + 1 : argv[0];
    if (argc > 1 && strcmp(argv[1], "-version") == 0) {
        puts("ffmpeg version tiny");
        return 0;
    }
    while (read(0, discard, sizeof discard) > 0)
        ;
    if (strcmp(name, "ffprobe") == 0) {
        puts("{\"streams\": [{\"codec_type\": \"video\", \"codec_name\": \"h264\", \"width\": 1920, \"height\": 1080}]}");
        return 0;
    }
    signal(SIGTERM, leave);
    for (long second = 1;; second++) {
        char block[512];
        int length = snprintf(block, sizeof block,
            "frame=%ld\nfps=25.00\nstream_0_0_q=-1.0\nbitrate=N/A\ntotal_size=N/A\nout_time_us=%ld\nout_time_ms=%ld\n"
            "out_time=00:00:00.000000\ndup_frames=0\ndrop_frames=0\nspeed=   1x\nprogress=continue\n",
            second * 25, second * 1000000, second * 1000000);
        if (write(1, block, (size_t)length) < 0)
            return 1;
        sleep(1);
    }
}
