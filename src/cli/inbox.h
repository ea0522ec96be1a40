/* inbox.h - printing a page of the inbox; message.c and daemon.c share it. */
#ifndef CLI_INBOX_H
#define CLI_INBOX_H

struct cli;
int inbox_fill(struct cli *, void *in);
void inbox_show(struct cli *, const void *reply);

#endif
