/* src/services/admin/parts.h: what the files of this service share: admin.c (the tables), servers.c and list.c (the
 * registry), records.c and records_print.c (the log), job.c (a call while a worker works for it). */
#ifndef GATEHOUSE_SERVICES_ADMIN_PARTS_H
#define GATEHOUSE_SERVICES_ADMIN_PARTS_H

#include "base/arena.h"
#include "services/admin/admin.h"

struct admin {
    struct admin_parts parts;
    struct service    *service;
};

/* A call while a worker works for it. What the worker needs of the request is copied into the arena first: the client
 * may leave meanwhile, and the request with it. */
struct job {
    struct errand   errand;
    struct admin   *admin;
    struct request *request;       /* NULL: it ended */
    struct arena   *arena;         /* holds the job */
    void (*work)(struct job *job); /* on a worker; what fails is said in `err` */
    void (*answer)(
        struct job *job);      /* then on the network thread, when nothing failed and the request is still there */
    void         *data;        /* of the tool; in the arena */
    struct buffer text;        /* for people and models to read */
    bool          is_too_long; /* it did not fit */
    struct error  err;
};

/* With `size` zeroed bytes of data. NULL: the request was answered. */
struct job *job_new(struct request *r, size_t size);
void        job_free(struct job *job); /* one that was not started */
void        job_start(struct job *job, void (*work)(struct job *job), void (*answer)(struct job *job));
/* The request's text and what is structured of it. Takes a value of request_doc. */
void job_answer(struct job *job, yyjson_mut_val *structured);

/* Onto the text. What a peer wrote is made printable. */
void job_say(struct job *job, const char *format, ...) __attribute__((format(printf, 2, 3)));
void job_say_text(struct job *job, struct str text);
void job_say_age(struct job *job, int64_t us); /* "4 min" */

/* Members of structured content. What is empty is left out; what is no UTF-8 is made printable. */
void put_text(struct job *job, yyjson_mut_val *object, const char *key, struct str text);
void put_number(struct job *job, yyjson_mut_val *object, const char *key, int64_t number);
void put_flag(struct job *job, yyjson_mut_val *object, const char *key, bool flag);
void put_time(struct job *job, yyjson_mut_val *object, const char *key, wall_time t);
/* Below 0: left out. */
void put_milliseconds(struct job *job, yyjson_mut_val *object, const char *key, int64_t us);

void add_server(struct request *r);
void remove_server(struct request *r);
void list_servers(struct request *r);
void search_records(struct request *r);

#endif
