#!/bin/sh
# test.sh - runs the specs (all, or the files given) and closes with one plain line: N passed, N failed, N skipped.
#
# The line comes also when the process that runs them dies: then what died counts as one failure more.
# LUA names the interpreter, SO the folder whose ?.so files are tested (by default those beside the Lua files).
LUA=${LUA:-lua5.4}
SO=${SO:-lua}

log=$(mktemp) && status=$(mktemp) || exit 1
trap 'rm -f "$log" "$status"' EXIT
trap 'exit 130' INT TERM

{
  "$LUA" tools/busted.lua --ignore-lua --output tools/report.lua --cpath "$SO/?.so" "$@" 2>&1
  echo $? >"$status"
} | tee "$log"

code=$(cat "$status")
if ! tail -n 1 "$log" | grep -Eqx '[0-9]+ passed, [0-9]+ failed, [0-9]+ skipped'; then
  add() { grep -E '_spec\.lua .* \([0-9.]+ s\)$' "$log" | grep -Eo "[0-9]+ $1" | awk '{ n += $1 } END { print n + 0 }'; }
  printf '\n\nFAILED: the process that runs the specs died with status %s, in the file named last above\n\n' "$code"
  echo "$(add passed) passed, $(($(add failed) + 1)) failed, $(add skipped) skipped"
  exit 1
fi
if tail -n 1 "$log" | grep -q '^0 passed'; then exit 1; fi
exit "$code"
