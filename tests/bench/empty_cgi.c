/* The least that a CGI program can do: a small answer, always the same. What a request costs beside
 * it is the price of handback.cgi (tests/bench/static_cgi.py). */
#include <unistd.h>

#define BODY "empty\n"

int main(void)
{
    static const char answer[] = "Status: 200 OK\r\n"
                                 "Content-Type: text/plain\r\n"
                                 "Content-Length: 6\r\n"
                                 "\r\n" BODY;
    _Static_assert(sizeof BODY - 1 == 6, "its length");
    return write(STDOUT_FILENO, answer, sizeof answer - 1) == (ssize_t)(sizeof answer - 1) ? 0 : 1;
}
