#include "fastcgi/connection.h"

#include "base/clock.h"
#include "base/log.h"
#include "fastcgi/management.h"
#include "fastcgi/peek.h"
#include "fastcgi/peer.h"

#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

/* The story is told from the end: connection_step, step, and then each state upwards. */

/* Milliseconds that a peer may keep a connection in a state without going on. */
enum {
    FIRST_PATIENCE = 60000,  /* before the first byte */
    SILENT_PATIENCE = 1000,  /* the same while it is crowded */
    LEAVING_PATIENCE = 1000, /* whoever was idle for longer is not handed over by TERM */
    HEAD_PATIENCE = 5000,
    SENDING_PATIENCE = 300000,
    LINGERING_PATIENCE = 30000
};

enum {
    LINGERING_BYTES = 256 << 20,
    RECORDS_AT_A_TIME = 16, /* then other connections have their turn */
    STEPS_AT_A_TIME = 64,   /* likewise */
};

/* One per thread: a head is looked at, then a record is built in the same place. */
static _Thread_local unsigned char scratch[PEEK_SIZE];
_Static_assert(sizeof scratch >= GATEWAY_FCGI_BUFFER, "a record fits");
_Static_assert(CONNECTION_LINGERING + 1 == SCOREBOARD_STATES, "every state is counted");

int connection_busy(const struct connection_shared *shared)
{
    atomic_int *count = shared->counts->connections;
    return atomic_load(&count[CONNECTION_HEAD]) + atomic_load(&count[CONNECTION_ANSWER]) +
           atomic_load(&count[CONNECTION_SENDING]);
}

/* Patience 0: the state may last for ever. */
static void enter(struct connection *connection, enum connection_state state, long long patience)
{
    atomic_int *count = connection->shared->counts->connections;
    atomic_fetch_add(&count[state], 1); /* first, so that it is counted at every moment */
    atomic_fetch_sub(&count[connection->state], 1);
    connection->state = state;
    connection->since = clock_now();
    atomic_store(&connection->deadline, patience ? connection->since + patience : 0);
}

static int tell_epoll(struct connection *connection, int operation)
{
    struct epoll_event event = {.events = EPOLLIN | EPOLLRDHUP | EPOLLET, .data.ptr = connection};
    if (connection->watches_writing) {
        event.events |= EPOLLOUT;
    }
    return epoll_ctl(connection->shared->epoll, operation, connection->fd, &event);
}

/* Lets go of what a half-sent answer holds. */
static void drop_answer(struct connection *connection)
{
    free(connection->unsent);
    connection->unsent = NULL;
    gateway_fcgi_drop(&connection->rest);
}

/* Another thread may be looking at the descriptor inside epoll_wait; on recent kernels the file
 * then lives on until that thread returns from there, which may be long, and the peer does not hear
 * of the close. And the events of a socket that lives on in a successor would go on. */
static void close_descriptor(const struct connection *connection)
{
    epoll_ctl(connection->shared->epoll, EPOLL_CTL_DEL, connection->fd, NULL);
    close(connection->fd);
}

void connection_close(struct connection *connection)
{
    if (connection->state != CONNECTION_CLOSED) {
        drop_answer(connection);
        close_descriptor(connection);
        enter(connection, CONNECTION_CLOSED, 0);
        connection->fd = -1;
    }
}

/* Makes a new event if there is something to read, or room to write, already. */
static void tell_again(struct connection *connection)
{
    if (tell_epoll(connection, EPOLL_CTL_MOD) != 0) {
        connection_close(connection);
    }
}

int connection_begin(struct connection *connection, struct connection_shared *shared, int fd)
{
    connection->shared = shared;
    connection->fd = fd;
    connection->body = connection->watches_writing = false;
    connection->rest = (struct gateway_fcgi_rest){.body = {.fd = -1}};
    connection->unsent = NULL;
    connection->discarded = 0;
    connection->silent = true;
    connection->state = CONNECTION_CLOSED;
    enter(connection, CONNECTION_IDLE, FIRST_PATIENCE);
    if (tell_epoll(connection, EPOLL_CTL_ADD) != 0) {
        connection_close(connection);
        return -1;
    }
    return 0;
}

/* ---- sending ---- */

static void wait_for_room(struct connection *connection)
{
    enter(connection, CONNECTION_SENDING, SENDING_PATIENCE);
    connection->watches_writing = true;
    tell_again(connection);
}

/* Whether the connection ends with this answer because the worker does. */
static bool is_closing(const struct connection *connection)
{
    return atomic_load(&connection->shared->fate) == CONNECTION_CLOSES;
}

/* Sends without ever waiting. Returns the number of bytes that left, or -1: the peer is gone. The
 * last bytes of a TCP connection wait for its end (MSG_MORE), so that the peer learns of both at
 * once and sends no further request. */
static ssize_t send_some(const struct connection *connection, const unsigned char *bytes,
                         size_t len)
{
    bool last = is_closing(connection) && connection->rest.body.length == 0;
    int flags = MSG_DONTWAIT | MSG_NOSIGNAL | (last ? MSG_MORE : 0);
    size_t sent = 0;
    while (sent < len) {
        ssize_t n = send(connection->fd, bytes + sent, len - sent, flags);
        if (n < 0 && errno == EINTR) {
            continue;
        }
        if (n < 0) {
            return errno == EAGAIN || errno == EWOULDBLOCK ? (ssize_t)sent : -1;
        }
        sent += (size_t)n;
    }
    return (ssize_t)sent;
}

/* True when all of it left; else what remains is kept, or the connection is closed. */
static bool send_record(struct connection *connection, const unsigned char *bytes, size_t len)
{
    if (is_closing(connection)) {
        connection->rest.keep = false;
    }
    ssize_t sent = send_some(connection, bytes, len);
    if (sent == (ssize_t)len) {
        return true;
    }
    connection->unsent = sent >= 0 ? malloc(len - (size_t)sent) : NULL;
    if (!connection->unsent) {
        connection_close(connection);
        return false;
    }
    connection->unsent_at = 0;
    connection->unsent_len = len - (size_t)sent;
    memcpy(connection->unsent, bytes + sent, connection->unsent_len);
    wait_for_room(connection);
    return false;
}

static bool send_unsent(struct connection *connection)
{
    ssize_t sent = send_some(connection, connection->unsent + connection->unsent_at,
                             connection->unsent_len - connection->unsent_at);
    if (sent < 0) {
        connection_close(connection);
        return false;
    }
    connection->unsent_at += (size_t)sent;
    if (connection->unsent_at < connection->unsent_len) {
        if (sent > 0) {
            enter(connection, CONNECTION_SENDING, SENDING_PATIENCE);
        }
        return false;
    }
    free(connection->unsent);
    connection->unsent = NULL;
    return true;
}

static void unwatch_writing(struct connection *connection)
{
    if (connection->watches_writing) {
        connection->watches_writing = false;
        tell_again(connection);
    }
}

static void end_answer(struct connection *connection)
{
    drop_answer(connection);
    if (connection->body) {
        /* The end alone is not waited for longer than the next request would be. */
        bool bounded = connection->announced || !connection->rest.keep;
        long long patience = bounded ? LINGERING_PATIENCE : 0;
        connection->discarded = connection->skip = 0;
        enter(connection, CONNECTION_LINGERING, patience);
        if (!connection->rest.keep) {
            /* A plain close would reset the connection before the peer has read our answer. */
            shutdown(connection->fd, SHUT_WR);
        }
    } else if (connection->rest.keep) {
        enter(connection, CONNECTION_IDLE, 0);
    } else {
        if (is_closing(connection)) {
            shutdown(connection->fd, SHUT_WR); /* what MSG_MORE has held back leaves with it */
        }
        connection_close(connection);
        return;
    }
    unwatch_writing(connection);
}

/* Goes on with the body, record by record, until it is sent, the peer is full, or others should
 * have their turn. */
static void send_rest(struct connection *connection)
{
    for (int i = 0; connection->rest.body.length > 0; i++) {
        if (i == RECORDS_AT_A_TIME) {
            wait_for_room(connection);
            return;
        }
        size_t len = gateway_fcgi_continue(&connection->rest, scratch);
        if (!send_record(connection, scratch, len)) {
            return;
        }
    }
    end_answer(connection);
}

/* ---- receiving ---- */

static bool is_waiting(int cause)
{
    return cause == EAGAIN || cause == EWOULDBLOCK || cause == EINTR;
}

static struct request_front front_of(const struct connection *connection)
{
    uid_t user;
    bool known = peer_find_user(connection->fd, &user);
    return (struct request_front){.spawned = connection->shared->spawned,
                                  .same_user = known && (user == geteuid() || user == 0)};
}

/* The first record of the answer, or all there is to say. Returns its length in `scratch`, where
 * the head is; 0: there is no answer to that. */
static size_t make_answer(struct connection *connection, size_t head, enum peek_verdict verdict)
{
    struct connection_shared *shared = connection->shared;
    connection->rest =
        (struct gateway_fcgi_rest){.body = {.fd = -1}, .keep = verdict == PEEK_MANAGEMENT};
    if (verdict == PEEK_MANAGEMENT) {
        return management_answer(scratch, scratch, shared->board, &shared->site);
    }
    if (verdict == PEEK_OTHER_ROLE) {
        return record_unknown_role(scratch, scratch);
    }
    size_t len = gateway_fcgi_answer(scratch, head, &shared->site, front_of(connection), scratch,
                                     &connection->rest);
    if (len > 0) {
        scoreboard_count_request(shared->board, shared->counts, connection->rest.status);
    }
    return len;
}

/* The connection that carried one of a predecessor becomes that one, as if just accepted. */
static void go_on_with(struct connection *connection, int fd)
{
    close_descriptor(connection);
    connection->fd = fd;
    enter(connection, CONNECTION_IDLE, FIRST_PATIENCE);
    if (tell_epoll(connection, EPOLL_CTL_ADD) != 0) {
        connection_close(connection);
    }
}

/* Takes the head off the connection, on which it is known to be, and answers it. */
static void answer(struct connection *connection, size_t head, enum peek_verdict verdict)
{
    int handed_over = -1;
    enter(connection, CONNECTION_ANSWER, 0);
    connection->body = verdict != PEEK_REQUEST && verdict != PEEK_MANAGEMENT;
    connection->announced = verdict == PEEK_BODY || verdict == PEEK_OTHER_ROLE;
    bool taken = verdict == PEEK_MANAGEMENT
                     ? handover_receive(connection->fd, scratch, head, &handed_over)
                     : recv(connection->fd, scratch, head, MSG_DONTWAIT) == (ssize_t)head;
    if (handed_over >= 0) {
        go_on_with(connection, handed_over);
        return;
    }
    size_t len = taken ? make_answer(connection, head, verdict) : 0;
    if (len == 0) {
        connection_close(connection);
    } else if (send_record(connection, scratch, len)) {
        send_rest(connection);
    }
}

/* Takes a record off the connection that asks for nothing. */
static void ignore(struct connection *connection, size_t record)
{
    if (recv(connection->fd, scratch, record, MSG_DONTWAIT) == (ssize_t)record) {
        enter(connection, CONNECTION_IDLE, 0);
    } else {
        connection_close(connection);
    }
}

static void refuse(struct connection *connection)
{
    struct error error;
    error_set(&error, HB_FASTCGI_INVALID,
              "a peer sent no FastCGI request, or a head of more than %d bytes: is the socket open "
              "to others than the web server?",
              PEEK_HEAD_MAX);
    log_error(&error);
    scoreboard_count(&connection->shared->board->refused);
    connection_close(connection);
}

/* Whether the peer has closed and nothing has come behind the `len` bytes that were looked at: then
 * the head will never be whole. */
static bool is_cut_off(const struct connection *connection, ssize_t len)
{
    struct pollfd end = {.fd = connection->fd, .events = POLLRDHUP};
    return poll(&end, 1, 0) == 1 &&
           recv(connection->fd, scratch, sizeof scratch, MSG_PEEK | MSG_DONTWAIT) == len;
}

/* Looks at what has arrived without taking it. True when something was done about it, behind which
 * more may be. */
static bool look(struct connection *connection)
{
    size_t head = 0;
    ssize_t len = recv(connection->fd, scratch, sizeof scratch, MSG_PEEK | MSG_DONTWAIT);
    if (len < 0 && is_waiting(errno)) {
        return false;
    }
    if (len <= 0) {
        connection_close(connection);
        return false;
    }
    connection->silent = false;
    enum peek_verdict verdict = peek_judge(scratch, (size_t)len, &head);
    switch (verdict) {
    case PEEK_HEAD:
    case PEEK_REQUEST:
    case PEEK_BODY:
    case PEEK_MANAGEMENT:
    case PEEK_OTHER_ROLE:
        answer(connection, head, verdict);
        return true;
    case PEEK_ABORT:
        ignore(connection, head);
        return true;
    case PEEK_INCOMPLETE:
        if (is_cut_off(connection, len)) {
            connection_close(connection);
        } else if (connection->state == CONNECTION_IDLE) {
            enter(connection, CONNECTION_HEAD, HEAD_PATIENCE);
        }
        return false;
    case PEEK_INVALID:
    default:
        refuse(connection);
        return false;
    }
}

/* Looks at the next record behind a head that was answered. False when the connection waits or is
 * closed. */
static bool skip_record(struct connection *connection)
{
    unsigned char header[RECORD_HEADER];
    size_t whole = 0;
    ssize_t len = recv(connection->fd, header, sizeof header, MSG_PEEK | MSG_DONTWAIT);
    if (len <= 0) {
        if (len == 0 || !is_waiting(errno)) {
            connection_close(connection);
        }
        return false;
    }
    switch (peek_at_body(header, (size_t)len, &whole)) {
    case PEEK_REST_SKIP:
        connection->skip = whole;
        return true;
    case PEEK_REST_LAST:
        connection->skip = whole;
        connection->body = false;
        return true;
    case PEEK_REST_NEXT:
        connection->body = false;
        return true;
    case PEEK_REST_UNKNOWN:
    default:
        /* Half a header hides the end of the connection behind it. */
        if (is_cut_off(connection, len)) {
            connection_close(connection);
        } else if (atomic_load(&connection->deadline) == 0) {
            enter(connection, CONNECTION_LINGERING, HEAD_PATIENCE);
        }
        return false;
    }
}

/* Throws away what is there of a record. False when the connection waits or is closed. */
static bool discard_some(struct connection *connection)
{
    size_t most = connection->skip < sizeof scratch ? (size_t)connection->skip : sizeof scratch;
    ssize_t len = recv(connection->fd, scratch, most, MSG_DONTWAIT);
    if (len < 0 && is_waiting(errno)) {
        return false;
    }
    connection->discarded += len > 0 ? (uint64_t)len : 0;
    if (len <= 0 || connection->discarded > LINGERING_BYTES) {
        connection_close(connection);
        return false;
    }
    connection->skip -= (uint64_t)len;
    return true;
}

/* Throws away a piece of the body; behind its end the connection is as good as before. False when
 * it waits or is closed. */
static bool discard(struct connection *connection)
{
    bool goes_on = connection->skip > 0 ? discard_some(connection) : skip_record(connection);
    if (!goes_on || connection->body || connection->skip > 0) {
        return goes_on;
    }
    if (!connection->rest.keep) {
        connection_close(connection);
        return false;
    }
    enter(connection, CONNECTION_IDLE, 0);
    return true;
}

/* One step; true when another may follow at once: what has arrived meanwhile makes no new event. */
static bool step(struct connection *connection)
{
    switch (connection->state) {
    case CONNECTION_IDLE:
    case CONNECTION_HEAD:
        return look(connection);
    case CONNECTION_SENDING:
        if (!connection->unsent || send_unsent(connection)) {
            send_rest(connection);
        }
        return connection->state != CONNECTION_SENDING;
    case CONNECTION_LINGERING:
        return discard(connection);
    case CONNECTION_CLOSED:
    case CONNECTION_ANSWER: /* never seen between steps */
    default:
        return false;
    }
}

/* Whether its peer has used up its patience, or is not missed when there is no room. */
static bool is_late(const struct connection *connection)
{
    long long now = clock_now(), deadline = atomic_load(&connection->deadline);
    if (deadline != 0 && now >= deadline) {
        return true;
    }
    bool waits = connection->state == CONNECTION_IDLE ||
                 (connection->state == CONNECTION_LINGERING && deadline == 0);
    long long patience = connection->silent ? SILENT_PATIENCE : connection->shared->idle_patience;
    return waits && atomic_load(&connection->shared->crowded) &&
           now - connection->since >= patience;
}

/* Between two requests, when the worker ends: the connection goes on in a successor. True when it
 * is to be closed here. */
static bool leave(const struct connection *connection)
{
    const struct connection_shared *shared = connection->shared;
    enum connection_fate fate = atomic_load(&shared->fate);
    bool between = connection->state == CONNECTION_IDLE || connection->state == CONNECTION_HEAD;
    if (!between || (fate != CONNECTION_HANDS_OVER && fate != CONNECTION_LEAVES)) {
        return false;
    }
    if (fate == CONNECTION_LEAVES && clock_now() - connection->since >= LEAVING_PATIENCE) {
        return true;
    }
    return handover_send(&shared->successor, connection->fd) == 0;
}

void connection_step(struct connection *connection)
{
    int steps = 0;
    while (step(connection) && ++steps < STEPS_AT_A_TIME) {
    }
    if (connection->state == CONNECTION_CLOSED) {
        return;
    }
    if (is_late(connection)) {
        scoreboard_count(&connection->shared->board->late);
        connection_close(connection);
    } else if (leave(connection)) {
        connection_close(connection);
    } else if (steps == STEPS_AT_A_TIME) {
        tell_again(connection);
    }
}
