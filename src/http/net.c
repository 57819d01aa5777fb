#include "http/net.h"

#include <assert.h>
#include <signal.h>

#include "http/conn_turn.h"

static bool
end_turn(struct loop_hook *hook)
{
    return conn_end_turn(LIST_OF(struct net, hook, hook));
}

bool
net_init(struct net *net, struct loop *loop, struct budget *budget, struct error *err)
{
    *net = (struct net){.loop   = loop,
                        .budget = budget,
                        .heads  = {.size = NET_HEAD_BLOCK, .most = NET_HEADS_KEPT},
                        .outs   = {.size = NET_OUT_BLOCK, .most = NET_OUTS_KEPT},
                        .hook   = {.run = end_turn}};
    list_init(&net->conns);
    list_init(&net->finishing);
    list_init(&net->closed);
    list_init(&net->to_flush);
    list_init(&net->hook.node);
    net->input = malloc(NET_INPUT);
    if (net->input == NULL)
        return error_set(err, ERROR_MEMORY, "no memory to receive into");
    signal(SIGPIPE, SIG_IGN);
    loop_add_hook(loop, &net->hook);
    return true;
}

struct block { /* one that is kept, while it is */
    struct block *next;
};

static void *
take_kept(struct blocks *pool)
{
    struct block *block = pool->kept;

    pool->kept = block->next;
    pool->count--;
    return block;
}

static void
blocks_clear(struct blocks *pool)
{
    while (pool->kept != NULL)
        free(take_kept(pool));
}

void
net_clear(struct net *net)
{
    if (net->loop == NULL)
        return;
    conn_cut_finishing(net);
    conn_end_turn(net);
    assert(list_is_empty(&net->conns));
    loop_remove_hook(&net->hook);
    blocks_clear(&net->heads);
    blocks_clear(&net->outs);
    free(net->input);
    *net = (struct net){0};
}

void
blocks_lend(struct blocks *pool, struct buffer *b)
{
    assert(b->data == NULL);
    if (b->max < pool->size)
        return; /* it would hold more than it may */
    char *block = pool->kept != NULL ? take_kept(pool) : malloc(pool->size);
    if (block == NULL)
        return;
    b->data = block;
    b->cap  = pool->size;
}

void
blocks_take_back(struct blocks *pool, struct buffer *b)
{
    if (b->cap == pool->size && pool->count < pool->most) {
        struct block *block = (struct block *)(void *)b->data;
        block->next         = pool->kept;
        pool->kept          = block;
        pool->count++;
    } else {
        free(b->data);
    }
    *b = (struct buffer){.max = b->max};
}
