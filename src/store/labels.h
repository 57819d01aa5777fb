/* src/store/labels.h: what many exchanges have in common: whose they are, to which server, by which client.
 *
 * A session makes one set when it learns something and shares it with every exchange that follows; a set never changes,
 * a session that learns more makes a new one. Sets are counted (atomically: the store thread lets go of them too). What
 * the database calls a set is remembered in it by the store thread, so that a call looks up no name twice. */
#ifndef GATEHOUSE_STORE_LABELS_H
#define GATEHOUSE_STORE_LABELS_H

#include "base/str.h"

struct label_texts { /* empty: not known, NULL in the database */
    struct str server;
    struct str session;
    struct str principal; /* empty counts as "local" */
    struct str client;    /* clientInfo.name */
    struct str client_version;
    struct str server_name; /* serverInfo.name */
    struct str server_version;
    struct str revision;  /* of the protocol, as agreed */
    struct str transport; /* "http", "stdio" or "built-in" */
    struct str address;   /* of the client */
    struct str user_agent;
};

enum { LABEL_TEXTS = sizeof(struct label_texts) / sizeof(struct str) };
/* Longer texts are cut there, between characters. */
enum { LABEL_TEXT_MAX = 1024 };

struct labels;

/* Copies the texts. NULL: no memory. */
struct labels *labels_new(const struct label_texts *texts);
struct labels *labels_ref(struct labels *l);
/* The last one frees it. NULL is nothing. */
void labels_unref(struct labels *l);
/* Good as long as the caller holds `l`. */
const struct label_texts *labels_texts(const struct labels *l);

#endif
