/* tests/unit/mcp/peer.c: a child whose words are the test's: it passes bytes between its stdio and a socket.
 *
 *   peer PATH      ends when either side does */
#include <poll.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

static int
pass(int from, int to)
{
    char    bytes[65536];
    ssize_t got = read(from, bytes, sizeof bytes), put = 0;

    for (ssize_t at = 0; at < got && put >= 0; at += put)
        put = write(to, bytes + at, (size_t)(got - at));
    return got > 0 && put >= 0;
}

int
main(int argc, char **argv)
{
    struct sockaddr_un at = {.sun_family = AF_UNIX};
    int                fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

    for (size_t i = 0; argc > 1 && argv[1][i] != '\0' && i < sizeof at.sun_path - 1; i++)
        at.sun_path[i] = argv[1][i];
    if (connect(fd, (struct sockaddr *)&at, sizeof at) != 0)
        return 2;
    for (struct pollfd both[] = {{.fd = 0, .events = POLLIN}, {.fd = fd, .events = POLLIN}}; poll(both, 2, -1) > 0;)
        if ((both[0].revents != 0 && !pass(0, fd)) || (both[1].revents != 0 && !pass(fd, 1)))
            return 0;
    return 0;
}
