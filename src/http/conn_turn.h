/* src/http/conn_turn.h: what net does for its connections when a turn ends. Between net.c and conn.c only. */
#ifndef GATEHOUSE_HTTP_CONN_TURN_H
#define GATEHOUSE_HTTP_CONN_TURN_H

#include "http/net.h"

/* Writes out what was gathered, tells failures, frees what closed. True: callbacks wrote again. */
bool conn_end_turn(struct net *net);
void conn_cut_finishing(struct net *net);

#endif
