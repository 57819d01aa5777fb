/* Whatever a client writes to a service on stdio, line by line: what comes back is JSON-RPC, no request is answered
 * twice and none is forgotten, and when the input has ended nothing is held.
 *
 * The first byte has the flags, a line is sent as it is, or an order (service_talk.h); beside those there are
 *
 *   !d !r     the client stops reading, and reads again
 *   !e        the input ends */
#include <errno.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/file.h"
#include "mcp/service/stdio.h"

#include "service_talk.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { ROUNDS = 64 /* of turns after a line */, QUIET = 3 };

static struct talk {
    struct stdio *io;
    int           ends[2]; /* ours, its */
    struct ledger ledger;
    struct buffer got;
    size_t        line_max;
    bool          is_deaf, has_ended, is_over;
} talk;

/* True: something came. */
static bool
hear(void)
{
    size_t before = buffer_len(&talk.got), taken = 0;

    for (ssize_t got = 1; got > 0;) {
        assert(buffer_reserve(&talk.got, KIB(64)));
        got = recv(talk.ends[0], buffer_space(&talk.got), KIB(64), 0);
        if (got > 0)
            buffer_added(&talk.got, (size_t)got);
    }
    bool       is_new = buffer_len(&talk.got) > before;
    struct str all    = buffer_str(&talk.got);
    for (ptrdiff_t end; (end = str_index(str_skip(all, taken), '\n')) >= 0; taken += (size_t)end + 1)
        note_heard(&talk.ledger, str_take(str_skip(all, taken), (size_t)end));
    buffer_consume(&talk.got, taken);
    return is_new;
}

/* Until nothing happens any more: a line is read in one turn, and answered at the end of the next. */
static void
rest(void)
{
    for (int quiet = 0, i = 0; quiet < QUIET && i < ROUNDS; i++) {
        loop_turn(&loop, 0);
        quiet = !talk.is_deaf && hear() ? 0 : quiet + 1;
    }
}

static void
end_input(void)
{
    shutdown(talk.ends[0], SHUT_WR);
    talk.has_ended = true;
    talk.is_deaf   = false;
}

static void
send_all(struct str bytes)
{
    while (bytes.len > 0) {
        ssize_t put = send(talk.ends[0], bytes.data, bytes.len, MSG_NOSIGNAL);
        if (put < 0 && errno != EAGAIN)
            return;
        bytes = str_skip(bytes, put < 0 ? 0 : (size_t)put);
        if (put < 0) { /* both ways are full: a client must read some time */
            loop_turn(&loop, 0);
            hear();
        }
    }
}

static void
say(struct str line)
{
    struct buffer text = {.max = MIB(256)};

    put_words(&text, line);
    struct str whole = buffer_str(&text);
    if (whole.len - str_ends(whole, STR("\r")) <= talk.line_max)
        note_all_sent(&talk.ledger, whole);
    else
        talk.ledger.messages++; /* it is not read, and that is said */
    send_all(whole);
    send_all(STR("\n"));
    buffer_clear(&text);
}

static bool
attach(void *owner, struct exchange *x)
{
    (void)owner, (void)x;
    return has_memory();
}

static void
on_ended(void *owner)
{
    (void)owner;
    talk.is_over = true;
}

static void
open_talk(unsigned with)
{
    bool is_small = (with & IS_SMALL) != 0;

    open_house(with);
    talk.is_deaf = talk.has_ended = talk.is_over = false;
    talk.got                                     = (struct buffer){.max = MIB(64)};
    talk.line_max                                = is_small ? KIB(1) : KIB(256);
    ledger_open(&talk.ledger);
    assert(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, talk.ends) == 0 && fd_set_nonblocking(talk.ends[0]));
    struct stdio_parts parts = {.in        = talk.ends[1],
                                .out       = talk.ends[1],
                                .line_max  = talk.line_max,
                                .queue_max = is_small ? KIB(1) : 0,
                                .patience  = SECONDS(30),
                                .attach    = attach,
                                .on_ended  = on_ended};
    talk.io                  = stdio_new(service, &exchanges, &parts, NULL);
    assert(talk.io != NULL);
}

/* All that waits comes to its end, and nothing is held. */
static void
end_talk(void)
{
    if (!talk.has_ended)
        end_input();
    for (int i = 0; i < 100 && (!talk.is_over || live_counts[LIVE_SERVICE_CALLS] > 0); i++) {
        rest();
        end_waiting();
    }
    rest();
    assert(talk.is_over && exchanges.open == 0 && live_counts[LIVE_SERVICE_CALLS] == 0);
    assert(service_sessions(service) == 0 && buffer_len(&talk.got) == 0);
    for (size_t i = 0; i < talk.ledger.count && !talk.ledger.is_cancelled; i++)
        assert(talk.ledger.asked[i].answered >= talk.ledger.asked[i].due);
}

static void
close_talk(void)
{
    stdio_free(talk.io);
    close_house();
    close(talk.ends[0]);
    close(talk.ends[1]);
    buffer_clear(&talk.got);
    arena_free(talk.ledger.arena);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static bool is_up;
    struct str  lines = str_of((const char *)data, size), line;

    if (size == 0 || size > KIB(16) || (!is_up && !(is_up = loop_init(&loop, NULL))))
        return 0;
    open_talk(data[0]);
    lines = str_skip(lines, 1);
    while (!talk.has_ended && str_cut(&lines, '\n', &line)) {
        if (str_eq(line, STR("!e")))
            end_input();
        else if (str_eq(line, STR("!d")) || str_eq(line, STR("!r")))
            talk.is_deaf = line.data[1] == 'd';
        else if (str_starts(line, STR("!")))
            obey(line);
        else
            say(line);
        rest();
    }
    end_talk();
    close_talk();
    return 0;
}
