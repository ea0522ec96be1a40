/*
 * public.h - is an address one of the open internet? What is not may belong to
 * somebody who trusts us for being near: loopback, private networks, link-local
 * (and with it every cloud's metadata), carriers' NAT, multicast, and the ways to
 * write IPv4 in IPv6.
 */
#ifndef NET_PUBLIC_H
#define NET_PUBLIC_H

#include <stdbool.h>
#include <stdint.h>

bool public_ip4(const uint8_t a[4]);
bool public_ip6(const uint8_t a[16]);

#endif
