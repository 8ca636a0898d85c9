#!/bin/sh
# rock_test.sh - the rock, as people meet it: linted, installed into a new tree without a network, used from another
# folder while the checkout lies elsewhere, removed again without a trace.
set -eu
MAKE=${MAKE:-make}
LUA=${LUA:-lua5.4}

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

said=$(luarocks --lua-version 5.4 lint lubdub-scm-1.rockspec 2>&1) || { echo "$said"; exit 1; }
[ -z "$said" ] || { echo "luarocks lint: $said"; exit 1; }

mkdir "$work/checkout"
cp -R Makefile lubdub-scm-1.rockspec tools csrc "$work/checkout"
(cd lua && find . -name '*.lua') | while read -r file; do
  mkdir -p "$work/checkout/lua/$(dirname "$file")" && cp "lua/$file" "$work/checkout/lua/$file"
done
(cd "$work/checkout" && $MAKE --no-print-directory rock TREE="$work/tree")
mv "$work/checkout" "$work/elsewhere"

# Every module of the tree loads, and nothing else is on the path for them.
cat >"$work/use.lua" <<'LUA'
local tree = arg[1]
package.path = tree .. "/share/lua/5.4/?.lua;" .. tree .. "/share/lua/5.4/?/init.lua;" .. package.path
package.cpath = tree .. "/lib/lua/5.4/?.so;" .. package.cpath
local count = 0
for file in io.popen("cd '" .. tree .. "/share/lua/5.4' && find lubdub -name '*.lua'"):lines() do
  require((file:gsub("%.lua$", ""):gsub("/init$", ""):gsub("/", ".")))
  count = count + 1
end
local lubdub = require "lubdub"
assert(lubdub.Tensor({ 1, 2 }):sum() == 3 and require "lubdub.h5")
print(("the rock works: %d modules load"):format(count))
LUA
(cd / && $LUA "$work/use.lua" "$work/tree")

luarocks --lua-version 5.4 --tree "$work/tree" remove lubdub >/dev/null
left=$(find "$work/tree" -name '*lubdub*')
[ -z "$left" ] || { echo "luarocks remove left: $left"; exit 1; }
