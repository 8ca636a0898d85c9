#!/bin/sh
# bench.sh - every benchmark, with its peer where PYTHON has the libraries. A benchmark that reads the variable PYTHON
# runs its peer itself, side by side; another's peer is the .py file of its name.
LUA=${LUA:-lua5.4}
missing="not run: there are no Python peers at $PYTHON; make peers installs them"

for file in bench/*.lua; do
  peer=${file%.lua}.py
  needs_peer=false
  grep -q '"PYTHON"' "$file" && needs_peer=true

  echo "== $file"
  if $needs_peer && [ ! -x "$PYTHON" ]; then echo "$missing"; continue; fi
  "$LUA" "$file" || exit
  if $needs_peer || [ ! -e "$peer" ]; then continue; fi

  echo "== $peer"
  if [ -x "$PYTHON" ]; then "$PYTHON" "$peer" || exit; else echo "$missing"; fi
done
