/*
 * clock.c - instants to text and back by arithmetic: no time zones, no locale,
 * and no call that could ask what time it is.
 */
#include <limits.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "base/clock.h"

#define SECOND INT64_C(1000)
#define MINUTE (60 * SECOND)
#define HOUR (60 * MINUTE)
#define DAY (24 * HOUR)
#define MS_MIN INT64_C(-62167219200000) /* 0000-01-01 */
#define MS_MAX INT64_C(253402300799999) /* 9999-12-31T23:59:59.999 */

/* Days since 1970-01-01 of a day in the Gregorian calendar, and back. Years
 * begin in March here, so that the leap day is the last of its year. */
static int64_t
days_of(int64_t y, int m, int d)
{
	int64_t era, yoe, doy;

	y -= m <= 2;
	era = (y >= 0 ? y : y - 399) / 400;
	yoe = y - era * 400;
	doy = (153 * (m + (m > 2 ? -3 : 9)) + 2) / 5 + d - 1;
	return era * 146097 + yoe * 365 + yoe / 4 - yoe / 100 + doy - 719468;
}

static void
day_of(int64_t days, int *year, int *month, int *day)
{
	int64_t era, doe, yoe, doy, mp;

	days += 719468;
	era = (days >= 0 ? days : days - 146096) / 146097;
	doe = days - era * 146097;
	yoe = (doe - doe / 1460 + doe / 36524 - doe / 146096) / 365;
	doy = doe - (365 * yoe + yoe / 4 - yoe / 100);
	mp = (5 * doy + 2) / 153;
	*day = (int)(doy - (153 * mp + 2) / 5 + 1);
	*month = (int)(mp < 10 ? mp + 3 : mp - 9);
	*year = (int)(yoe + era * 400 + (*month <= 2));
}

static void
put(char *to, int value, int digits)
{
	while (digits-- > 0) {
		to[digits] = (char)('0' + value % 10);
		value /= 10;
	}
}

void
clock_iso(char out[CLOCK_ISO_LEN + 1], int64_t at)
{
	int64_t days, ms;
	int y, m, d;

	at = at < MS_MIN ? MS_MIN : at > MS_MAX ? MS_MAX : at;
	days = at / DAY;
	ms = at % DAY;
	if (ms < 0) {
		ms += DAY;
		days--;
	}
	day_of(days, &y, &m, &d);
	memcpy(out, "0000-00-00T00:00:00.000Z", CLOCK_ISO_LEN + 1);
	put(out, y, 4);
	put(out + 5, m, 2);
	put(out + 8, d, 2);
	put(out + 11, (int)(ms / HOUR), 2);
	put(out + 14, (int)(ms / MINUTE % 60), 2);
	put(out + 17, (int)(ms / SECOND % 60), 2);
	put(out + 20, (int)(ms % SECOND), 3);
}

static int
days_in(int year, int month)
{
	static const int days[] = { 31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30,
		31 };
	bool leap = (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;

	return days[month - 1] + (month == 2 && leap);
}

int
clock_parse(const char *s, int64_t *at)
{
	static const char shape[] = "dddd-dd-ddTdd:dd:dd.dddZ";
	int n[7] = { 0 }, k = 0;
	size_t i;

	for (i = 0; i < CLOCK_ISO_LEN; i++) {
		if (shape[i] != 'd') {
			if (s[i] != shape[i])
				return -1;
			k++;
		} else if (s[i] < '0' || s[i] > '9') {
			return -1;
		} else {
			n[k] = n[k] * 10 + (s[i] - '0');
		}
	}
	if (s[i] != '\0' || n[1] < 1 || n[1] > 12 || n[2] < 1 ||
	    n[2] > days_in(n[0], n[1]) || n[3] > 23 || n[4] > 59 || n[5] > 59)
		return -1;
	*at = days_of(n[0], n[1], n[2]) * DAY + n[3] * HOUR + n[4] * MINUTE +
	    n[5] * SECOND + n[6];
	return 0;
}

void
clock_age(char out[16], int64_t now, int64_t at)
{
	int64_t age = now <= at ? 0 : now - (at < 0 ? 0 : at);

	if (age < SECOND)
		strcpy(out, "now");
	else if (age < MINUTE)
		snprintf(out, 16, "%d s", (int)(age / SECOND));
	else if (age < HOUR)
		snprintf(out, 16, "%d min", (int)(age / MINUTE));
	else if (age < 2 * DAY)
		snprintf(out, 16, "%d h", (int)(age / HOUR));
	else if (age / DAY < INT_MAX)
		snprintf(out, 16, "%d d", (int)(age / DAY));
	else
		strcpy(out, "long ago");
}

int64_t
clock_duration(const char *s)
{
	static const char unit[] = "smhd";
	static const int64_t ms[] = { SECOND, MINUTE, HOUR, DAY };
	const char *u;
	int64_t n = 0;

	if (*s < '0' || *s > '9')
		return -1;
	for (; *s >= '0' && *s <= '9'; s++) {
		n = n * 10 + (*s - '0');
		if (n > INT32_MAX)
			return -1;
	}
	if (*s == '\0' || s[1] != '\0' || (u = strchr(unit, *s)) == NULL)
		return -1;
	return n * ms[u - unit];
}
