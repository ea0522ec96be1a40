/*
 * test_base_text.c - text: encodings, UTF-8 and names, instants, ids, the log.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <ctype.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/clock.h"
#include "base/enc.h"
#include "base/id.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/scan.h"
#include "base/str.h"

static void
encodes_known_vectors(void **state)
{
	static const struct {
		const char *text, *b64, *b64url, *b32, *hex;
	} row[] = {
		/* RFC 4648, and what its alphabets differ in */
		{ "", "", "", "", "" },
		{ "f", "Zg==", "Zg", "my", "66" },
		{ "fo", "Zm8=", "Zm8", "mzxq", "666f" },
		{ "foo", "Zm9v", "Zm9v", "mzxw6", "666f6f" },
		{ "foob", "Zm9vYg==", "Zm9vYg", "mzxw6yq", "666f6f62" },
		{ "fooba", "Zm9vYmE=", "Zm9vYmE", "mzxw6ytb", "666f6f6261" },
		{ "foobar", "Zm9vYmFy", "Zm9vYmFy", "mzxw6ytboi",
		    "666f6f626172" },
		{ "\xfb\xff\xfe", "+//+", "-__-", "7p774", "fbfffe" },
	};
	char out[64];
	size_t i, n;

	(void)state;
	for (i = 0; i < countof(row); i++) {
		n = strlen(row[i].text);
		b64_encode(out, row[i].text, n);
		assert_string_equal(out, row[i].b64);
		assert_int_equal(strlen(out), B64_LEN(n));
		b64url_encode(out, row[i].text, n);
		assert_string_equal(out, row[i].b64url);
		assert_int_equal(strlen(out), B64URL_LEN(n));
		b32_encode(out, row[i].text, n);
		assert_string_equal(out, row[i].b32);
		assert_int_equal(strlen(out), B32_LEN(n));
		hex_encode(out, row[i].text, n);
		assert_string_equal(out, row[i].hex);
	}
}

static void
decodes_what_it_encoded(void **state)
{
	unsigned char in[67], back[67];
	char text[160];
	size_t n, i;

	(void)state;
	for (n = 0; n < sizeof(in); n++) {
		for (i = 0; i < n; i++)
			in[i] = (unsigned char)(i * 37 + n * 11);
		b64_encode(text, in, n);
		assert_int_equal(b64_decode(back, n, text, strlen(text)), n);
		assert_memory_equal(back, in, n);
		b64url_encode(text, in, n);
		assert_int_equal(b64url_decode(back, n, text, strlen(text)), n);
		assert_memory_equal(back, in, n);
		b32_encode(text, in, n);
		assert_int_equal(b32_decode(back, n, text, strlen(text)), n);
		assert_memory_equal(back, in, n);
		hex_encode(text, in, n);
		assert_int_equal(hex_decode(back, n, text, strlen(text)), n);
		assert_memory_equal(back, in, n);
		assert_true(hex_is(text, n));
		if (n > 0) {
			assert_int_equal(hex_decode(back, n - 1, text,
					     strlen(text)),
			    -1);
			b64_encode(text, in, n);
			assert_int_equal(b64_decode(back, n - 1, text,
					     strlen(text)),
			    -1);
		}
	}
}

static void
decodes_nothing_else(void **state)
{
	static const char *const b64_bad[] = { "Z", "Zg",
		"Zg=", "Zg===", "Zh==", "Zm9=", "Zg==Zg==", "Zm9v\n", " Zm9v",
		"Zm-v", "Zm_v", "=",
		"====", "A===", "Z=g=", "Zm9v=", "Zm9v====" };
	static const char *const url_bad[] = { "Z", "Zh", "Zm9", "Zg==", "+A",
		"/A", "Zm9vY", "AAAAA" };
	static const char *const b32_bad[] = { "m", "mz", "MY",
		"my======", "m1", "m8", "mzx", "mzxw6y", "mzxr" };
	static const char *const hex_bad[] = { "6", "6g", "6F", "0x66", " 6",
		"66 " };
	unsigned char out[32];
	size_t i;

	(void)state;
	for (i = 0; i < countof(b64_bad); i++)
		assert_int_equal(b64_decode(out, sizeof(out), b64_bad[i],
				     strlen(b64_bad[i])),
		    -1);
	for (i = 0; i < countof(url_bad); i++)
		assert_int_equal(b64url_decode(out, sizeof(out), url_bad[i],
				     strlen(url_bad[i])),
		    -1);
	for (i = 0; i < countof(b32_bad); i++)
		assert_int_equal(b32_decode(out, sizeof(out), b32_bad[i],
				     strlen(b32_bad[i])),
		    -1);
	for (i = 0; i < countof(hex_bad); i++) {
		assert_int_equal(hex_decode(out, sizeof(out), hex_bad[i],
				     strlen(hex_bad[i])),
		    -1);
		assert_false(hex_is(hex_bad[i], 1));
	}
	assert_false(hex_is(NULL, 1));
	assert_false(hex_is("6666", 1));
	assert_true(hex_is("66", 1));
}

static void
knows_utf8(void **state)
{
	static const char *const good[] = { "", "plain", "\xc3\xa9",
		"\xe2\x82\xac", "\xf0\x9f\x98\x80", "\xf4\x8f\xbf\xbf",
		"\xed\x9f\xbf", "\xee\x80\x80" };
	static const char *const bad[] = { "\x80", "\xc3", "\xc0\xaf",
		"\xe0\x80\xaf", "\xed\xa0\x80", "\xf4\x90\x80\x80",
		"\xf8\x88\x80\x80\x80", "a\xff", "\xe2\x82", "\xe2\x28\xa1" };
	const char *s = "a\xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80";
	size_t i;

	(void)state;
	for (i = 0; i < countof(good); i++)
		assert_true(utf8_valid(good[i], strlen(good[i])));
	for (i = 0; i < countof(bad); i++)
		assert_false(utf8_valid(bad[i], strlen(bad[i])));
	assert_int_equal(utf8_next(&s), 'a');
	assert_int_equal(utf8_next(&s), 0xe9);
	assert_int_equal(utf8_next(&s), 0x20ac);
	assert_int_equal(utf8_next(&s), 0x1f600);
	assert_int_equal(utf8_next(&s), 0);
	assert_int_equal(utf8_next(&s), 0);
	assert_int_equal(utf8_width("abc"), 3);
	assert_int_equal(utf8_width("\xe6\x97\xa5\xe6\x9c\xac"), 4);
	assert_int_equal(utf8_width("e\xcc\x81"), 1);
	assert_int_equal(utf8_width("\xf0\x9f\x98\x80!"), 3);
}

/* Every byte at every place of a text longer than the longest stride. */
static void
scans_in_strides(void **state)
{
	char text[41];
	size_t at, n;
	int c;
	bool plain, base64;

	(void)state;
	for (at = 0; at < 40; at++) {
		for (c = 0; c < 256; c++) {
			memset(text, 'a', 40);
			text[40] = '\0';
			text[at] = (char)c;
			n = scan_ascii(text, 40);
			assert_int_equal(n, c < 0x80 ? 40 : at);
			plain = c >= 0x20 && c < 0x7f && c != '"' && c != '\\';
			assert_int_equal(scan_plain(text, 40), plain ? 40 : at);
			base64 = c == '\0' || isalnum(c) ||
			    (c < 0x80 && strchr("+/=", c) != NULL);
			assert_int_equal(scan_base64(text), base64);
		}
		assert_int_equal(scan_ascii(text, at), at);
	}
}

static void
finds_fault_with_names(void **state)
{
	static const char *const bad[] = { "", " a", "a ", "a\nb", "a\tb",
		"a\x7f", "\xc2\x85",
		"a\xe2\x80\xae"
		"b",
		"a\xe2\x80\x8b"
		"b",
		"\xe2\x80\xa8",
		"\xef\xbb\xbf"
		"a",
		"\xe2\x81\xa6", "\xff",
		"\xc2\xa0"
		"a",
		"a\xe3\x80\x80", "\xd8\x9c",
		"a\xc2\xad"
		"b",
		"\xf3\xa0\x81\x81", "123456789" };
	static const char *const good[] = { "a", "A b", "\xc3\xa9t\xc3\xa9",
		"\xe6\x97\xa5\xe6\x9c\xac", "\xf0\x9f\x98\x80", "12345678" };
	size_t i;

	(void)state;
	for (i = 0; i < countof(bad); i++) {
		if (str_name_fault(bad[i], 8) == NULL)
			fail_msg("no fault with bad name %zu", i);
	}
	for (i = 0; i < countof(good); i++)
		assert_null(str_name_fault(good[i], 8));
	assert_string_equal(
	    str_name_fault(
		"12345678901234567890123456789012345678901234567890123456789012345",
		64),
	    "is longer than 64 bytes");
}

static void
copies_with_a_limit(void **state)
{
	char out[4];

	(void)state;
	assert_true(str_copy(out, sizeof(out), "abc"));
	assert_string_equal(out, "abc");
	assert_false(str_copy(out, sizeof(out), "abcd"));
	assert_string_equal(out, "abc");
	assert_true(str_eq(NULL, NULL));
	assert_false(str_eq(NULL, ""));
	assert_true(str_eq("a", "a"));
	assert_true(str_starts("abc", "ab"));
	assert_false(str_starts("a", "ab"));
}

/* The C library's calendar over ten thousand years, day by odd day. */
static void
writes_and_reads_instants(void **state)
{
	char iso[CLOCK_ISO_LEN + 1], want[48];
	int64_t at, back;
	struct tm tm;
	time_t t;

	(void)state;
	for (at = INT64_C(-62167219200000); at < INT64_C(253402300800000);
	     at += INT64_C(86400000) * 37 + 12345677) {
		back = 0;
		clock_iso(iso, at);
		t = (time_t)((at - ((at % 1000) + 1000) % 1000) / 1000);
		gmtime_r(&t, &tm);
		snprintf(want, sizeof(want), "%04d-%02d-%02dT%02d:%02d:%02d",
		    tm.tm_year + 1900, tm.tm_mon + 1, tm.tm_mday, tm.tm_hour,
		    tm.tm_min, tm.tm_sec);
		assert_int_equal(strncmp(iso, want, 19), 0);
		assert_int_equal(clock_parse(iso, &back), 0);
		assert_true(back == at);
	}
	clock_iso(iso, INT64_MAX);
	assert_string_equal(iso, "9999-12-31T23:59:59.999Z");
	clock_iso(iso, INT64_MIN);
	assert_string_equal(iso, "0000-01-01T00:00:00.000Z");
}

static void
refuses_other_instants(void **state)
{
	static const char *const bad[] = { "", "2026-11-20",
		"2026-11-20T19:13Z", "2026-11-20T19:13:00Z",
		"2026-11-20T19:13:00.000", "2026-11-20T19:13:00.000z",
		"2026-11-20 19:13:00.000Z", "2026-13-20T19:13:00.000Z",
		"2026-00-20T19:13:00.000Z", "2026-11-31T19:13:00.000Z",
		"2026-02-29T19:13:00.000Z", "1900-02-29T19:13:00.000Z",
		"2026-11-00T19:13:00.000Z", "2026-11-20T24:00:00.000Z",
		"2026-11-20T19:60:00.000Z", "2026-11-20T19:13:60.000Z",
		"2026-11-20T19:13:00.000Z ", "2026-11-20T19:13:00.000+00:00",
		"2026-11-20T19:13:00.0000Z", "+026-11-20T19:13:00.000Z" };
	int64_t at;
	size_t i;

	(void)state;
	for (i = 0; i < countof(bad); i++)
		assert_int_equal(clock_parse(bad[i], &at), -1);
	assert_int_equal(clock_parse("2000-02-29T23:59:59.999Z", &at), 0);
	assert_true(at == INT64_C(951868799999));
}

static void
tells_ages_and_durations(void **state)
{
	static const struct {
		int64_t age;
		const char *text;
	} row[] = { { 0, "now" }, { 999, "now" }, { -5, "now" },
		{ 12000, "12 s" }, { 59999, "59 s" }, { 300000, "5 min" },
		{ 3 * 3600000, "3 h" }, { 4 * 86400000, "4 d" } };
	char out[16];
	size_t i;

	(void)state;
	for (i = 0; i < countof(row); i++) {
		clock_age(out, INT64_C(1800000000000),
		    INT64_C(1800000000000) - row[i].age);
		assert_string_equal(out, row[i].text);
	}
	clock_age(out, INT64_MAX, INT64_MIN);
	assert_true(clock_duration("90s") == 90000);
	assert_true(clock_duration("15m") == 900000);
	assert_true(clock_duration("2h") == 7200000);
	assert_true(clock_duration("7d") == 604800000);
	assert_true(clock_duration("90") == -1);
	assert_true(clock_duration("s") == -1);
	assert_true(clock_duration("") == -1);
	assert_true(clock_duration("-1s") == -1);
	assert_true(clock_duration("1 s") == -1);
	assert_true(clock_duration("1ss") == -1);
	assert_true(clock_duration("1w") == -1);
	assert_true(clock_duration("99999999999999999999d") == -1);
}

static void
ids_sort_by_time(void **state)
{
	uint8_t low[16] = { 0 }, high[16];
	char a[ID_LEN + 1], b[ID_LEN + 1];
	int64_t at;

	(void)state;
	memset(high, 0xff, sizeof(high));
	for (at = 0; at < INT64_C(4102444800000); at = at * 3 + 1) {
		id_make(a, at, high);
		id_make(b, at + 1, low);
		assert_true(strcmp(a, b) < 0);
		assert_true(id_valid(a, ID_LEN, ID_LEN));
	}
	id_make(a, 5, low);
	assert_string_equal(a, "0000000500000000000000");
	assert_true(id_valid("a-b_C9", 1, 6));
	assert_false(id_valid("a-b_C9", 1, 5));
	assert_false(id_valid("a-b_C9", 7, 9));
	assert_false(id_valid("a b", 1, 9));
	assert_false(id_valid("a\xc3\xa9", 1, 9));
	assert_false(id_valid(NULL, 0, 9));
}

static int64_t
noon(void *arg)
{
	(void)arg;
	return INT64_C(1795176000000);
}

static void
logs_one_line_whatever_comes(void **state)
{
	static const char want[] =
	    "time=2026-11-20T12:00:00.000Z level=warn"
	    " event=up a=x-1.y b=\"two words\" c=\"q\\\"\\\\\" d=\"l\\n2=3\""
	    " e=- f=\"-\" g=\"\" h=\"\\u{1b}[m\" i=\"\\xff\""
	    " j=\"\\u{202e}\" k=\"\xc3\xa9\" l=-42\n";
	char got[1024] = "", *big;
	int fd[2];
	ssize_t n;

	(void)state;
	assert_int_equal(pipe(fd), 0);
	log_setup(fd[1], LOG_WARN, noon, NULL);
	log_event(LOG_INFO, "quiet", NULL);
	log_event(LOG_WARN, "up", "a", "x-1.y", "b", "two words", "c", "q\"\\",
	    "d", "l\n2=3", "e", NULL, "f", "-", "g", "", "h", "\x1b[m", "i",
	    "\xff", "j", "\xe2\x80\xae", "k", "\xc3\xa9", "l", log_i(-42),
	    NULL);
	n = read(fd[0], got, sizeof(got) - 1);
	assert_true(n > 0);
	assert_string_equal(got, want);

	big = mem_zalloc(20001);
	memset(big, '\n', 20000);
	log_event(LOG_ERROR, "big", "a", big, "b", big, "c", big, "d", big, "e",
	    big, "f", big, "g", big, NULL);
	mem_free(big);
	big = mem_zalloc(20001);
	n = read(fd[0], big, 20000);
	assert_in_range(n, 4000, 8192);
	assert_ptr_equal(strchr(big, '\n'), big + n - 1);
	mem_free(big);
	log_setup(-1, LOG_DEBUG, NULL, NULL);
	log_event(LOG_ERROR, "nowhere", NULL);
	assert_int_equal(log_level_get(), LOG_DEBUG);
	close(fd[0]);
	close(fd[1]);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(encodes_known_vectors),
		cmocka_unit_test(decodes_what_it_encoded),
		cmocka_unit_test(decodes_nothing_else),
		cmocka_unit_test(knows_utf8),
		cmocka_unit_test(scans_in_strides),
		cmocka_unit_test(finds_fault_with_names),
		cmocka_unit_test(copies_with_a_limit),
		cmocka_unit_test(writes_and_reads_instants),
		cmocka_unit_test(refuses_other_instants),
		cmocka_unit_test(tells_ages_and_durations),
		cmocka_unit_test(ids_sort_by_time),
		cmocka_unit_test(logs_one_line_whatever_comes),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
