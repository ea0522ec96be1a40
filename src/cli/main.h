/* main.h - the command line from outside: all of main() but its hooks. */
#ifndef CLI_MAIN_H
#define CLI_MAIN_H

int cli_main(int argc, char **argv);

#endif
