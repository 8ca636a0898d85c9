#!/bin/sh
# install.sh - puts the Lua kernel where this user's Jupyter finds it: a kernelspec with these files beside it.
#
#   LUA=lua5.4 PYTHON=python3 kernel/install.sh [folder of kernels]
#
# A Python that has ipykernel runs it: $PYTHON, else python3, /usr/bin/python3; where none has, one is made for it in
# ~/.local/share/lubdub/kernel (a venv, ipykernel from PyPI). JUPYTER_DATA_DIR is heeded.
set -eu

here=$(cd "$(dirname "$0")" && pwd)
LUA=${LUA:-lua5.4}
data=${XDG_DATA_HOME:-$HOME/.local/share}
case $(uname) in Darwin) jupyter=$HOME/Library/Jupyter ;; *) jupyter=$data/jupyter ;; esac
spec=${1:-${JUPYTER_DATA_DIR:-$jupyter}/kernels}/lubdub

say() { echo "lubdub: $*" >&2; }

has_ipykernel() { "$1" -c 'import ipykernel, sys; sys.exit(ipykernel.version_info[0] < 6)' 2>/dev/null; }

python=
for candidate in ${PYTHON:-python3 /usr/bin/python3} "$data/lubdub/kernel/bin/python"; do
  if command -v "$candidate" >/dev/null 2>&1 && has_ipykernel "$candidate"; then
    python=$candidate
    break
  fi
done

if [ -z "$python" ]; then
  base=${PYTHON:-python3}
  if ! command -v "$base" >/dev/null 2>&1; then
    say "the kernel needs Python 3 with ipykernel; install python3-ipykernel (Debian, Ubuntu), or Python 3 for a venv"
    exit 1
  fi
  say "no Python here has ipykernel 6 or newer; making one for it in $data/lubdub/kernel"
  if ! { "$base" -m venv "$data/lubdub/kernel" && "$data/lubdub/kernel/bin/pip" install --quiet ipykernel; }; then
    rm -rf "$data/lubdub/kernel"
    say "that failed. Install python3-ipykernel (Debian, Ubuntu), or 'pip install ipykernel' where Python is yours;"
    say "then type the command again, with PYTHON=... where it is not python3's"
    exit 1
  fi
  python=$data/lubdub/kernel/bin/python
fi

# Full paths: Jupyter may run in another environment.
python=$("$python" -c 'import sys; print(sys.executable)')
lua=$(command -v "$LUA") || { say "$LUA was not found; LUA=... names Lua 5.4"; exit 1; }
if ! tree=$("$lua" - "$here/../lua" <<'LUA'
local tree = arg[1]
local function there() return pcall(require, "lubdub.core") and pcall(require, "dkjson") end
package.path = tree .. "/?.lua;" .. tree .. "/?/init.lua;" .. package.path
package.cpath = tree .. "/?.so;" .. package.cpath
os.exit(there())
LUA
); then
  say "$lua finds no lubdub; type make first"
  exit 1
fi
tree=$(cd "$here/../lua" && pwd)

mkdir -p "$spec"
cp "$here/lubdub_kernel.py" "$here/child.lua" "$here/cell.lua" "$here/lookup.lua" "$here/logo-svg.svg" "$spec"
"$python" - "$spec" "$python" "$lua" "$tree" <<'PYTHON'
import json
import sys

spec, python, lua, tree = sys.argv[1:]
with open(spec + "/kernel.json", "w", encoding="utf-8") as out:
    json.dump({"argv": [python, spec + "/lubdub_kernel.py", "--lua", lua, "--tree", tree, "-f", "{connection_file}"],
               "display_name": "Lua (lubdub)", "language": "lua", "interrupt_mode": "signal"}, out, indent=1)
PYTHON
echo "lubdub: the kernel \"Lua (lubdub)\" is in $spec (Python: $python, Lua: $lua)"
