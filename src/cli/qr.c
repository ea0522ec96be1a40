/*
 * qr.c - a QR code made of half blocks: two rows of modules to a line of text,
 * dark on light whatever the terminal's colours are.
 */
#include <qrencode.h>
#include <stdio.h>

#include "cli/cli.h"

#define QUIET 2 /* modules of margin */

static bool
dark(const QRcode *qr, int x, int y)
{
	if (x < 0 || y < 0 || x >= qr->width || y >= qr->width)
		return false;
	return (qr->data[y * qr->width + x] & 1) != 0;
}

static void
line(const struct cli *c, const QRcode *qr, int y)
{
	static const char *const block[] = { "█", "▀", "▄", " " };
	int x;

	if (c->color)
		fputs("\033[97;40m", stdout);
	for (x = -QUIET; x < qr->width + QUIET; x++)
		fputs(block[dark(qr, x, y) * 2 + dark(qr, x, y + 1)], stdout);
	fputs(c->color ? "\033[0m\n" : "\n", stdout);
}

int
qr_print(struct cli *c, const char *text)
{
	QRcode *qr = QRcode_encodeString(text, 0, QR_ECLEVEL_L, QR_MODE_8, 1);
	int y;

	if (qr == NULL)
		return cli_fail(c, E_TOO_LONG,
		    "the link is too long for a QR code");
	for (y = -QUIET; y < qr->width + QUIET; y += 2)
		line(c, qr, y);
	QRcode_free(qr);
	return 0;
}
