#!/bin/bash
# coverage.sh FOLDER[:FOLDER…] PROGRAM…: of each module, how many lines were run, by the profiles (*.profraw) below the FOLDERs that
# the PROGRAMs left; line by line in coverage.txt in the first. Where there is no profile nothing is shown, and that is no success.
set -eu
IFS=: read -ra folders <<<"$1"; shift
folder=${folders[0]}
tools=$(dirname "$(readlink -f "$(command -v swiftc)")")
mapfile -t profiles < <(find "${folders[@]}" -name '*.profraw')
[ ${#profiles[@]} -gt 0 ] || { echo "coverage: there is no profile below ${folders[*]}: were the programs built with --enable-code-coverage?" >&2; exit 1; }
# A program that ran often may have left counters that overflowed: such a profile is left out, so this is a lower bound.
"$tools/llvm-profdata" merge -failure-mode=all -sparse -o "$folder/all.profdata" "${profiles[@]}" 2>"$folder/merge.log" ||
	{ tail -3 "$folder/merge.log" >&2; exit 1; }
objects=("$1"); shift
for program; do objects+=(-object "$program"); done
"$tools/llvm-cov" report "${objects[@]}" -instr-profile "$folder/all.profdata" -ignore-filename-regex '/\.build|/Tests/' >"$folder/coverage.txt" 2>>"$folder/merge.log"
# The tool leaves out what all paths have in common, perhaps Sources/ too: the module is the folder of the file.
awk -v root="$PWD/Sources/" '
	NF >= 10 && $1 ~ /\.swift$/ {
		path = $1; sub(root, "", path); sub("^Sources/", "", path); split(path, part, "/")
		lines[part[1]] += $8; missed[part[1]] += $9; lines["all"] += $8; missed["all"] += $9
	}
	function row(name) { printf "%-22s %7d %7d %5.1f %%\n", name, lines[name], lines[name] - missed[name], 100 * (1 - missed[name] / lines[name]) }
	END {
		if (!lines["all"]) { print "coverage: nothing was covered" > "/dev/stderr"; exit 1 }
		printf "%-22s %7s %7s\n", "MODULE", "LINES", "RUN"
		n = asorti_(lines); for (i = 1; i <= n; i++) row(sorted[i]); row("all")
	}
	function asorti_(from,  name, count, i, swap) {
		for (name in from) if (name != "all") { sorted[++count] = name; for (i = count; i > 1 && sorted[i] < sorted[i - 1]; i--) { swap = sorted[i]; sorted[i] = sorted[i - 1]; sorted[i - 1] = swap } }
		return count
	}' "$folder/coverage.txt"
