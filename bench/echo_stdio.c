/* bench/echo_stdio.c: the echo server as a child process: a message a line on stdin, an answer a line on stdout.
 *
 * All lines that one read brought are answered with one write. Ends with its stdin. */
#include "echo.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

static bool
write_all(const struct bytes *out)
{
    for (size_t done = 0; done < out->len;) {
        ssize_t len = write(STDOUT_FILENO, out->data + done, out->len - done);
        if (len < 0 && errno == EINTR)
            continue;
        if (len < 0)
            return false;
        done += (size_t)len;
    }
    return true;
}

static void
answer_line(struct span line, struct bytes *out)
{
    if (line.len > 0 && line.data[line.len - 1] == '\r')
        line.len--;
    if (line.len > 0 && echo_answer(line, out) != ECHO_SILENT)
        bytes_add(out, SPAN("\n"));
}

/* Answers the whole lines of `in` and keeps the rest; `seen` bytes of it are known to hold no newline. */
static size_t
answer_lines(struct bytes *in, size_t seen, struct bytes *out)
{
    size_t from = 0;

    for (;;) {
        const char *eol = memchr(in->data + seen, '\n', in->len - seen);
        if (eol == NULL)
            break;
        answer_line((struct span){in->data + from, (size_t)(eol - in->data) - from}, out);
        from = seen = (size_t)(eol - in->data) + 1;
    }
    bytes_drop(in, from);
    return in->len;
}

int
main(void)
{
    struct bytes in = {0}, out = {0};
    size_t       seen = 0;

    for (;;) {
        ssize_t len = read(STDIN_FILENO, bytes_room(&in, 65536), 65536);

        if (len < 0 && errno == EINTR)
            continue;
        if (len < 0) {
            perror("echo_stdio: reading stdin");
            return 1;
        }
        if (len == 0)
            break;
        in.len += (size_t)len;
        seen = answer_lines(&in, seen, &out);
        if (!write_all(&out))
            return 0; /* nobody reads us any more */
        out.len = 0;
    }
    answer_line((struct span){in.data, in.len}, &out); /* a last line without newline is a message */
    write_all(&out);
    bytes_clear(&in);
    bytes_clear(&out);
    return 0;
}
