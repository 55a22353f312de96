#!/usr/bin/env bash
# Verifies the leaderboard of a pull request with the code, labels and rounds of the target branch,
# and that the request changes nothing that is there.
#
#   verify_submission.sh TRUSTED SUBMITTED
#
# Both are checkouts. Of SUBMITTED only files below leaderboard/ are read, by the gmbench that is
# installed from TRUSTED; what TRUSTED knows is put over what SUBMITTED says.
set -euo pipefail
trusted=$1/leaderboard board=$2/leaderboard

# A link could lead to files that are no part of the submission.
links=$(find "$board" -type l)
if [ -n "$links" ]; then
  printf 'A leaderboard has no links:\n%s\n' "$links" >&2
  exit 1
fi

failed=0
for known in "$trusted"/benchmarks/*/; do
  [ -d "$known" ] || continue
  name=$(basename "$known")
  if ! diff -rq "$known" "$board/benchmarks/$name" >&2; then
    printf 'benchmarks_kept: %s would be changed or removed.\n' "$name" >&2
    failed=1
  fi
  mkdir -p "$board/benchmarks"
  rm -rf "$board/benchmarks/$name"
  cp -r "$known" "$board/benchmarks/$name"
done
# What a person should look at ends the check, too: a maintainer looks, and merges by hand.
gmbench leaderboard verify --board "$board" --against "$trusted" --strict || failed=1

# Entries of rounds that still run: what can be checked without labels.
for round in "$trusted"/rounds/*/; do
  [ -d "$round" ] && [ ! -e "$round/revealed.json" ] || continue
  name=$(basename "$round")
  mkdir -p "$board/rounds/$name"
  for file in round.json closed.json; do
    rm -f "$board/rounds/$name/$file"
    [ ! -e "$round/$file" ] || cp "$round/$file" "$board/rounds/$name/$file"
  done
  gmbench leaderboard round validate "$name" --board "$board" || failed=1
done
exit "$failed"
