/* How many requests a web server answers: load PORT CONNECTIONS SECONDS STATUS LENGTH <REQUEST
 *
 * Sends the request of stdin again and again over so many connections to loopback, which it keeps,
 * one request at a time on each. After so many seconds no more is sent, and what is due is waited
 * for. Prints how many were answered and the seconds from the first request to the last answer. The
 * exit code is 1, with the reason on stderr, unless every answer has this status and a body of so
 * many bytes, as they were sent. */
#include <arpa/inet.h>
#include <errno.h>
#include <poll.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

enum {
    CONNECTIONS_MAX = 256,
    REQUEST_MAX = 8192,
    HEAD_MAX = 16384,
    PATIENCE = 20000 /* milliseconds without a byte */
};

struct wanted {
    int status;
    unsigned long length;
};

struct connection {
    char head[HEAD_MAX + 1]; /* and what came with it of the body */
    size_t got;
    unsigned long left; /* bytes of the body that are still due */
    bool in_body;
};

static char request[REQUEST_MAX];
static size_t request_length;
static struct connection connections[CONNECTIONS_MAX];

__attribute__((format(printf, 1, 2))) static void fail(const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    vfprintf(stderr, format, arguments);
    va_end(arguments);
    fputc('\n', stderr);
    exit(1);
}

static double now(void)
{
    struct timespec time;
    clock_gettime(CLOCK_MONOTONIC, &time);
    return (double)time.tv_sec + (double)time.tv_nsec / 1e9;
}

static int connect_to(unsigned short port)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons(port)};
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd < 0 || connect(fd, (struct sockaddr *)&address, sizeof address) != 0) {
        fail("no connection: %s", strerror(errno));
    }
    return fd;
}

static void ask(int fd)
{
    if (send(fd, request, request_length, MSG_NOSIGNAL) != (ssize_t)request_length) {
        fail("a request was not sent: %s", strerror(errno));
    }
}

/* The value of a field in a head that ends with an empty line, or NULL. */
static const char *find_field(const char *head, const char *name)
{
    size_t len = strlen(name);
    for (const char *line = strstr(head, "\r\n"); line; line = strstr(line, "\r\n")) {
        line += 2;
        if (strncasecmp(line, name, len) == 0 && line[len] == ':') {
            return line + len + 1;
        }
    }
    return NULL;
}

/* The length of the body that follows a head, which must be the wanted one. */
static unsigned long judge_head(const char *head, const struct wanted *wanted)
{
    const char *field = find_field(head, "Content-Length");
    bool empty = wanted->status == 304;
    unsigned long length = field && !empty ? strtoul(field, NULL, 10) : 0;
    int status = strncmp(head, "HTTP/1.1 ", 9) == 0 ? atoi(head + 9) : 0;
    if (status != wanted->status || length != wanted->length || (!field && !empty)) {
        fail("%d with %lu bytes, not %d with %lu:\n%s", status, length, wanted->status,
             wanted->length, head);
    }
    return length;
}

/* Takes what has come; whether the answer is complete. */
static bool take_head(struct connection *connection, const struct wanted *wanted)
{
    connection->head[connection->got] = '\0';
    char *end = strstr(connection->head, "\r\n\r\n");
    if (!end) {
        if (connection->got == HEAD_MAX) {
            fail("a head without an end");
        }
        return false;
    }
    size_t head = (size_t)(end + 4 - connection->head);
    size_t more = connection->got - head;
    end[2] = '\0';
    connection->left = judge_head(connection->head, wanted);
    if (more > connection->left) {
        fail("%zu bytes follow an answer", more - connection->left);
    }
    connection->left -= more;
    connection->in_body = true;
    return connection->left == 0;
}

static bool take(struct connection *connection, int fd, const struct wanted *wanted)
{
    static char body[65536];
    char *room = connection->in_body ? body : connection->head + connection->got;
    size_t size = connection->in_body ? sizeof body : HEAD_MAX - connection->got;
    ssize_t got = recv(fd, room, size, 0);
    if (got <= 0) {
        fail("the connection ended within an answer: %s", got < 0 ? strerror(errno) : "closed");
    }
    if (!connection->in_body) {
        connection->got += (size_t)got;
        return take_head(connection, wanted);
    }
    if ((size_t)got > connection->left) {
        fail("%lu bytes follow an answer", (size_t)got - connection->left);
    }
    connection->left -= (size_t)got;
    return connection->left == 0;
}

/* All connections in turn until `end`; how many answers came. */
static unsigned long ask_until(double end, struct pollfd *polled, nfds_t count,
                               const struct wanted *wanted)
{
    unsigned long answered = 0;
    nfds_t open = count;
    for (nfds_t i = 0; i < count; i++) {
        ask(polled[i].fd);
    }
    while (open > 0) {
        if (poll(polled, count, PATIENCE) <= 0) {
            fail("no answer within %d ms", PATIENCE);
        }
        for (nfds_t i = 0; i < count; i++) {
            if (!polled[i].revents || !take(&connections[i], polled[i].fd, wanted)) {
                continue;
            }
            answered++;
            connections[i].got = 0;
            connections[i].in_body = false;
            if (now() < end) {
                ask(polled[i].fd);
            } else {
                polled[i].fd = -1; /* poll passes over it; the end of the process closes it */
                open--;
            }
        }
    }
    return answered;
}

int main(int argc, char **argv)
{
    static struct pollfd polled[CONNECTIONS_MAX];
    if (argc != 6) {
        fputs("usage: load PORT CONNECTIONS SECONDS STATUS LENGTH <REQUEST\n", stderr);
        return 2;
    }
    nfds_t count = strtoul(argv[2], NULL, 10);
    struct wanted wanted = {atoi(argv[4]), strtoul(argv[5], NULL, 10)};
    request_length = fread(request, 1, sizeof request, stdin);
    if (count < 1 || count > CONNECTIONS_MAX || request_length == 0) {
        fail("1 to %d connections, and a request", CONNECTIONS_MAX);
    }
    for (nfds_t i = 0; i < count; i++) {
        polled[i] = (struct pollfd){connect_to((unsigned short)atoi(argv[1])), POLLIN, 0};
    }
    double begin = now();
    unsigned long answered = ask_until(begin + atof(argv[3]), polled, count, &wanted);
    printf("%lu %.6f\n", answered, now() - begin);
    return 0;
}
