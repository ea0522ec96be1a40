# testing.sh - how `./dev test` runs and counts; read by dev, not run by itself.
#
# Every test runs in a process group and a world of its own and is ended with
# all it started; a process that outlives its test is a failure. Each check adds
# to PASSED or FAILED.

PASSED=0
FAILED=0
WORK=

# strays [NAME]: processes of this run, or of its part NAME: they carry its mark
# in the environment, or a path of its temporary files in their arguments.
strays() {
	local p
	for p in /proc/[0-9]*; do
		[ "${p#/proc/}" != $$ ] && [ "${p#/proc/}" != "$BASHPID" ] || continue
		if grep -qszF "DEV_TEST_RUN=$WORK/${1:+$1/}" "$p/environ" ||
			grep -qsF "$WORK${1:+/t/$1/}" "$p/cmdline"; then
			echo "${p#/proc/}"
		fi
	done 2>/dev/null
}

cleanup() {
	trap - EXIT INT TERM
	[ -n "$WORK" ] && [ "$BASHPID" = $$ ] || return 0
	kill -KILL $(strays) 2>/dev/null || true
	rm -rf "$WORK"
}

begin_tests() {
	rm -rf "$ROOT/build/log"
	trap cleanup EXIT
	trap 'exit 130' INT TERM
	WORK=$(mktemp -d "${TMPDIR:-/tmp}/cm.XXXXXX") # short: sockets live in it
	mkdir "$WORK/t" "$WORK/h" "$WORK/log"
	chmod 711 "$WORK" "$WORK/t" # servers that refuse to be root live there, too
	: >"$WORK/seen"
}

# in_world COMMAND...: in the world of a test, which PART names: temporary files
# and homes below $WORK, sanitizers that end the process at the first fault; only
# the caches of downloads, and where they come from, are shared. Takes the place
# of the (sub)shell.
in_world() {
	local asan=detect_leaks=1:disable_coredump=1 part=${PART:-one}
	mkdir -p "$WORK/t/$part" "$WORK/h/$part"
	chmod 711 "$WORK/t/$part"
	asan=$asan:detect_stack_use_after_return=1:strict_string_checks=1
	exec env DEV_TEST_RUN="$WORK/$part/" TMPDIR="$WORK/t/$part" \
		HOME="$WORK/h/$part" \
		CLAUDEMESH_WIRE_SEEN="$WORK/seen" ASAN_OPTIONS="$asan" \
		UBSAN_OPTIONS="print_stacktrace=1:halt_on_error=1" \
		XDG_CACHE_HOME="${XDG_CACHE_HOME:-$HOME/.cache}" \
		npm_config_cache="${npm_config_cache:-$HOME/.npm}" \
		npm_config_userconfig="${npm_config_userconfig:-$HOME/.npmrc}" \
		setsid "$@"
}

# group LOG SECONDS COMMAND...: in a process group of its own, all of which is
# ended afterwards.
group() {
	local log=$1 limit=$2 pid rc=0
	shift 2
	in_world timeout -k 10 "$limit" "$@" >"$log" 2>&1 </dev/null &
	pid=$!
	wait "$pid" 2>/dev/null || rc=$?
	kill -KILL -- "-$pid" 2>/dev/null || true
	return "$rc"
}

# excerpt LOG: what failed by name, wherever it stands, and how it ended.
excerpt() {
	local lines
	lines=$(grep -avE '^\[ RUN  |^\[       OK|^ok ' "$1" || true)
	if [ "$(echo "$lines" | wc -l)" -gt 40 ]; then
		echo "$lines" | head -n -40 | grep -aE '^(FAIL|not ok)' || true
		echo "..."
	fi
	echo "$lines" | tail -n 40
}

# count NAME LOG STATUS [SECONDS]: what a finished test says of itself, in
# cmocka's words or in a last line 'N passed, N failed', against how it ended.
count() {
	local name=$1 log=$2 rc=$3 n p f
	n=$(awk '/^[0-9]+ passed, [0-9]+ failed$/ { p = $1; f = $3 }
		/^\[  PASSED  \] [0-9]+ test/ { p += $4 }
		/^\[  FAILED  \] [0-9]+ test/ { f += $4 }
		END { print p + 0, f + 0 }' "$log")
	p=${n% *} f=${n#* }
	if [ "$rc" != 0 ] && [ "$f" = 0 ]; then
		f=1
	elif [ "$rc" = 0 ] && [ "$p" = 0 ] && [ "$f" = 0 ]; then
		p=1
	fi
	PASSED=$((PASSED + p))
	FAILED=$((FAILED + f))
	if [ "$f" != 0 ]; then
		[ "$rc" != 124 ] || echo "(ended: it took too long)" >>"$log"
		echo "FAILED $name (status $rc)"
		excerpt "$log" | sed 's/^/  | /'
		mkdir -p "$ROOT/build/log"
		cp "$log" "$ROOT/build/log/${name//\//-}"
		echo "  all of it: build/log/${name//\//-}"
	else
		echo "ok     $name ($p${4:+, $4 s})"
	fi
}

# check NAME COMMAND...: one test that speaks only when it fails.
check() {
	local name=$1 log=$WORK/log/check rc=0 since=$SECONDS
	shift
	"$@" >"$log" 2>&1 || rc=$?
	count "$name" "$log" "$rc" $((SECONDS - since))
	return "$rc"
}

# several SECONDS PROGRAM...: each a test by itself, as many at once as there
# are processors.
several() {
	local limit=$1 program name
	shift
	for program; do
		name=$(basename "$program")
		while [ "$(jobs -rp | wc -l)" -ge "$JOBS" ]; do
			wait -n || true
		done
		(
			rc=0
			cd "$(dirname "$program")" # some read files by the path of their source
			group "$WORK/log/$name" "$limit" "./$name" || rc=$?
			echo "$rc" >"$WORK/log/$name.rc"
		) &
	done
	wait
	for program; do
		name=$(basename "$program")
		count "$name" "$WORK/log/$name" "$(cat "$WORK/log/$name.rc")"
	done
}

unit_tests() {
	local source
	for source in tests/unit/test_*.c; do
		echo "$1/$(basename "$source" .c)"
	done
}

lint_quick() {
	check "layers" tools/check-layers || true
	check "lengths" tools/check-length || true
	check "layout" tools/check-format || true
	check "texts" tools/check-text || true
	check "public header" tools/check-header || true
}

lint_tidy() {
	tools/tidy build/clang "$JOBS"
}

# Kinds of tests beyond units: every tests/KIND/run, or those named in ONLY. As
# many at once as there are processors: most of them wait most of the time. The
# slowest come first; a kind gives its seconds, roughly, in tests/KIND/pace.
test_kinds() {
	local dir=$1 kind
	shift
	for kind in $(kinds_by_pace); do
		while [ "$(jobs -rp | wc -l)" -ge "$JOBS" ]; do
			wait -n || true
		done
		test_kind "$dir" "$kind" "$@" &
	done
	wait
	for kind in $(kinds_by_pace); do
		count "tests/$kind/run" "$WORK/log/$kind" \
			$(cat "$WORK/log/$kind.rc")
		test_strays "tests/$kind/run" "$kind"
	done
}

kinds_by_pace() {
	local run kind
	for run in tests/*/run; do
		kind=$(basename "${run%/run}")
		if [ -x "$run" ] && chosen "$kind"; then
			echo "$(cat "tests/$kind/pace" 2>/dev/null || echo 0) $kind"
		fi
	done | sort -s -rn -k 1,1 | cut -d ' ' -f 2
}

test_kind() {
	local dir=$1 kind=$2 rc=0 since=$SECONDS
	shift 2
	PART=$kind CLAUDEMESH_BIN=$ROOT/$dir/claudemesh BUILD_DIR=$ROOT/$dir \
		group "$WORK/log/$kind" $((${1:+800} + 900)) \
		"$ROOT/tests/$kind/run" "$@" || rc=$?
	if ! tail -n 1 "$WORK/log/$kind" | grep -v '^0 passed, 0 failed$' |
		grep -qE '^[0-9]+ passed, [0-9]+ failed$'; then
		echo "(the last line does not count anything)" >>"$WORK/log/$kind"
		[ "$rc" != 0 ] || rc=99
	fi
	echo "$rc $((SECONDS - since))" >"$WORK/log/$kind.rc"
}

# test_strays WHOSE [PART]: whatever a test started has ended with it.
test_strays() {
	local pids pid
	pids=$(strays "${2:-}")
	[ -n "$pids" ] || return 0
	echo "FAILED $1 left processes running:"
	for pid in $pids; do
		echo "  | $pid $(tr '\0' ' ' <"/proc/$pid/cmdline" 2>/dev/null)"
		kill -KILL "$pid" 2>/dev/null || true
	done
	FAILED=$((FAILED + 1))
}

# fuzz_all SECONDS TARGET...: crashes are kept in build/fuzz/crashes.
fuzz_all() {
	local seconds=$1 target programs=()
	shift
	mkdir -p build/fuzz/crashes "$WORK/fuzz"
	for target; do
		target=${target#fuzz_}
		mkdir -p "build/fuzz/corpus/$target" "tests/fuzz/seeds/$target"
		cat >"$WORK/fuzz/fuzz_$target" <<-END
		#!/bin/sh
		exec "$ROOT/build/fuzz/fuzz_$target" -max_total_time=$seconds \\
			-rss_limit_mb=2048 -timeout=10 -max_len=16384 \\
			-artifact_prefix="$ROOT/build/fuzz/crashes/$target-" \\
			-print_final_stats=1 -verbosity=0 \\
			"$ROOT/build/fuzz/corpus/$target" "$ROOT/tests/fuzz/seeds/$target"
		END
		chmod +x "$WORK/fuzz/fuzz_$target"
		programs+=("$WORK/fuzz/fuzz_$target")
	done
	[ $# = 0 ] || several $((seconds + 60)) "${programs[@]}"
}

fuzz_targets() {
	ls tests/fuzz/fuzz_*.c 2>/dev/null | sed 's|.*/fuzz_||; s|\.c$||'
}

sum_up() {
	echo "$PASSED passed, $FAILED failed"
	[ "$FAILED" = 0 ]
}

# chosen PART: whether this part of the tests was asked for: all when none was.
ONLY=
chosen() {
	[ -z "$ONLY" ] || [[ " $ONLY " == *" $1 "* ]]
}

# run_tests [--full] [PART...]: all, or of it only lint, unit, fuzz, folders of
# tests/ by name, or nothing but the sanitized build.
run_tests() {
	local full= part
	for part; do
		case $part in
		--full) full=--full ;;
		build | lint | unit | fuzz) ONLY="$ONLY $part" ;;
		*)
			[ -x "tests/$part/run" ] ||
				die "test: no part '$part'; there are: build lint unit fuzz" \
					"$(cd tests && ls -d */run | sed 's|/run||' | tr '\n' ' ')"
			ONLY="$ONLY $part"
			;;
		esac
	done
	deps_test
	begin_tests
	! chosen lint || lint_quick
	[ "$ONLY" ] || check "release build" build build || true
	if ! check "sanitized build (gcc)" build_asan; then
		sum_up # nothing of what follows would mean anything
		return
	fi
	! chosen unit || several 300 $(unit_tests build/asan)
	test_strays "unit tests"
	test_kinds build/asan $full
	if chosen fuzz && check "fuzzers' build (clang)" build_fuzz; then
		fuzz_all "$([ "$full" ] && echo 60 || echo 10)" $(fuzz_targets)
	fi
	if [ "$full" ] && [ -z "$ONLY" ] &&
		check "sanitized build (clang)" build_clang; then
		several 300 $(unit_tests build/clang)
		check "clang-tidy" lint_tidy || true
	fi
	[ "$ONLY" ] || check "rows exercised" tools/rows-seen "$WORK/seen" \
		build/asan/claudemesh || true
	test_strays "the whole run"
	sum_up
}
