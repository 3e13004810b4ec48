/* One connection of the web server, in one of five states:
 *
 *   idle ───────────────────────▶ head        a part of a head has come
 *   idle, head ─────────────────▶ answer      the head is whole
 *   answer ─────────────────────▶ sending     the peer is slower than we are
 *   answer, sending ────────────▶ lingering   a body follows that nobody reads
 *   answer, sending, lingering ─▶ idle        done
 *
 * A connection that waits holds no thread: epoll (edge-triggered) tells when its peer has done
 * something, and whichever thread hears of it takes the next steps (fastcgi/connection_pool). When
 * the worker ends, a connection that is idle, or whose head is not whole, goes on in another one
 * (fastcgi/handover). Memory per connection: this struct, and while sending one record of at most
 * 64 KB, and with several ranges what their delimiters are made of; what has not been taken yet is
 * with the kernel. */
#ifndef FASTCGI_CONNECTION_H
#define FASTCGI_CONNECTION_H

#include "fastcgi/gateway_fcgi.h"
#include "fastcgi/handover.h"
#include "fastcgi/scoreboard.h"
#include "serve/site.h"

#include <stdatomic.h>
#include <stdint.h>

enum connection_state {
    CONNECTION_CLOSED,
    CONNECTION_IDLE,      /* between requests: nothing of the next one is here */
    CONNECTION_HEAD,      /* a part of a head is here */
    CONNECTION_ANSWER,    /* a thread is deciding and writing */
    CONNECTION_SENDING,   /* a body is on its way, and the peer is slower than we are */
    CONNECTION_LINGERING, /* answered; what the peer still sends is thrown away */
};

/* What becomes of connections between two requests when the worker ends. */
enum connection_fate {
    CONNECTION_STAYS,      /* it does not end */
    CONNECTION_HANDS_OVER, /* a successor gets them */
    CONNECTION_LEAVES,     /* likewise, but those that nobody has used for a second are closed */
    CONNECTION_CLOSES      /* there is no successor: they are closed after one more answer */
};

/* What the connections of a process have in common. */
struct connection_shared {
    int epoll;
    struct site_source site;
    bool spawned; /* see struct request_front */
    struct scoreboard *board;
    struct scoreboard_worker *counts; /* of this process: its connections by state */
    long long idle_patience;          /* milliseconds; see `crowded` */
    atomic_bool crowded;              /* connections that nobody misses are closed */
    _Atomic enum connection_fate fate;
    struct handover successor;
};

/* Everything but `claims` and `deadline` belongs to the thread that holds the claim. */
struct connection {
    struct connection_shared *shared;
    /* Whoever makes it 1 holds the connection until it is 0 again; others count up to say: look. */
    atomic_uint claims;
    atomic_llong deadline; /* of the present state, milliseconds of clock_now; 0: none */
    long long since;       /* when it entered that state, likewise */
    enum connection_state state;
    int fd;
    bool silent;                   /* its peer has not sent a byte yet */
    bool body;                     /* a request body, or the end of an empty one, follows */
    bool announced;                /* that body is not empty */
    bool watches_writing;          /* epoll tells when there is room again */
    struct gateway_fcgi_rest rest; /* of the answer that is being sent */
    unsigned char *unsent;         /* the part of a record that has not left yet; NULL: none */
    size_t unsent_at, unsent_len;
    uint64_t discarded; /* bytes, while lingering */
    uint64_t skip;      /* bytes of the record that is being thrown away */
};

/* Takes an accepted descriptor over and makes epoll tell of it. Returns 0, or -1 with errno: then
 * the descriptor is closed. */
int connection_begin(struct connection *connection, struct connection_shared *shared, int fd);

/* Takes the next steps, until the connection waits for its peer, is closed, or others should have
 * their turn. Then closes it if its deadline has passed (a head and a body have one from their
 * beginning on, the others from the last byte), or, while it is crowded, if it has been silent for
 * a second or idle for as long as idle_patience. */
void connection_step(struct connection *connection);

void connection_close(struct connection *connection);

/* How many connections of the process are in the middle of a request. */
int connection_busy(const struct connection_shared *shared);

#endif
