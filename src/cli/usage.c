#include "cli/usage.h"

void usage_print(FILE *out)
{
    fputs("handback " HANDBACK_VERSION ": serves a Django site's static files behind Apache\n"
          "\n"
          "usage: handback serve --listen unix:PATH|HOST:PORT [options]\n"
          "       handback prepare [--beside DIR] [--htaccess LEVEL] [options]\n"
          "       handback explain URL [-H 'Name: value']... [-X METHOD] [--json]\n"
          "       handback --version | --help\n"
          "\n"
          "With GATEWAY_INTERFACE set it is a CGI; started without arguments on a listening\n"
          "socket as standard input it is a FastCGI responder (mod_fcgid does that).\n"
          "\n"
          "  serve      listen for mod_proxy_fcgi (handback serve --help)\n"
          "  prepare    keep this release and write the catalog, after collectstatic\n"
          "  explain    why a URL is answered as it is (handback explain --help)\n"
          "\n"
          "Settings, from the environment or handback.json beside the program:\n"
          "  STATIC_ROOT           the directory that collectstatic fills\n"
          "  STATIC_URL            its URL prefix (/static/)\n"
          "  HANDBACK_STATE        what prepare keeps (STATIC_ROOT/.handback)\n"
          "  HANDBACK_DELIVERY     who sends the bytes (body)\n"
          "  and more: see handback(1)\n",
          out);
}
