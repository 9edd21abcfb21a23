/*
 * The first act of a program: standard input, output and error are open.
 *
 * A program started without them would get their numbers for the next files and sockets that it
 * opens, and write its log there.
 */
#ifndef COMMON_STANDARD_STREAMS_H
#define COMMON_STANDARD_STREAMS_H

/* Those that are closed lead to /dev/null. */
void standard_streams_open(void);

#endif
