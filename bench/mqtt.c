/*
 * mqtt.c - mosquitto by MQTT 3.1.1, QoS 1 on both sides.
 */
#include <string.h>

#include "bench/load.h"

enum { CONNACK = 2, PUBLISH = 3, PUBACK = 4, SUBACK = 9 };

/* One packet at p: its type, its body. NULL when it is not all there. */
static const uint8_t *
packet(const uint8_t *p, const uint8_t *end, int *type, const uint8_t **body)
{
	size_t len = 0;
	int shift = 0;

	if (p == end)
		return NULL;
	*type = *p++ >> 4;
	do {
		if (p == end)
			return NULL;
		len |= (size_t)(*p & 127) << shift;
		shift += 7;
	} while (*p++ & 128);
	*body = p;
	return (size_t)(end - p) < len ? NULL : p + len;
}

static void
begin(struct buf *b, int first, size_t len)
{
	buf_addc(b, (char)first);
	do {
		buf_addc(b, (char)(len % 128 | (len > 127 ? 128 : 0)));
		len /= 128;
	} while (len > 0);
}

static void
await(struct conn *c, int want)
{
	const uint8_t *p, *q, *body;
	size_t n;
	int type;

	for (;;) {
		p = (const uint8_t *)conn_in(c, &n);
		q = packet(p, p + n, &type, &body);
		if (q == NULL) {
			conn_pull(c);
			continue;
		}
		if (type != want || body[type == CONNACK ? 1 : 2] > 2)
			die("mqtt: refused");
		conn_eaten(c, (size_t)(q - p));
		return;
	}
}

static struct conn *
greet(struct run *r, const char *id)
{
	struct conn *c = conn_open(r);

	begin(&c->out, 0x10, 10 + 2 + strlen(id));
	buf_add(&c->out, "\0\4MQTT\4\0\0\0", 10); /* a session that stays */
	buf_addc(&c->out, 0);
	buf_addc(&c->out, (char)strlen(id));
	buf_adds(&c->out, id);
	conn_push(c);
	await(c, CONNACK);
	return c;
}

static void
mqtt_open(struct run *r)
{
	struct conn *c = greet(r, "to");

	conn_receives(r, c);
	begin(&c->out, 0x82, 6);
	buf_add(&c->out, "\0\1\0\1b\1", 6);
	conn_push(c);
	await(c, SUBACK);
	r->sender = greet(r, "from");
}

static void
mqtt_send(struct run *r, uint64_t no)
{
	uint16_t id = (uint16_t)(no % 65535 + 1);
	char two[2] = { (char)(id >> 8), (char)id };

	begin(&r->sender->out, 0x32, 3 + 2 + r->size);
	buf_add(&r->sender->out, "\0\1b", 3);
	buf_add(&r->sender->out, two, 2);
	buf_add(&r->sender->out, r->payload, r->size);
}

static void
mqtt_eat(struct run *r, struct conn *c)
{
	const uint8_t *p, *q, *body;
	size_t n;
	int type;

	p = (const uint8_t *)conn_in(c, &n);
	for (; (q = packet(p, p + n, &type, &body)) != NULL; p = q) {
		if (type == PUBACK) {
			run_acked(r, 1);
		} else if (type == PUBLISH) {
			run_got(r, c);
			buf_add(&c->out, "\x40\2", 2);
			buf_add(&c->out, body + 3, 2);
		}
		n -= (size_t)(q - p);
		conn_eaten(c, (size_t)(q - p));
	}
}

const struct driver driver_mqtt = { "mosquitto", mqtt_open, mqtt_send, mqtt_eat,
	false };
