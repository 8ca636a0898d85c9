#!/bin/sh
# deps.sh - installs what lubdub needs and this machine lacks, from the distribution (Debian, Ubuntu and their like).
#
#   tools/deps.sh PURPOSE...        purposes: build run test rock check doc browser peers jupyter
#
# Each need is tried rather than looked up, so that a Lua or an OpenBLAS of one's own making counts, and nothing is
# asked of apt when all is there. Asks no questions: it installs as root or where sudo needs no password; elsewhere it
# prints the one command to type and fails. CC and LUA name another compiler and another Lua 5.4.
set -u

CC=${CC:-cc}
LUA=${LUA:-lua5.4}

# purpose | Debian's package | what it is | how to see that it is there
needs() {
  cat <<'LIST'
build | gcc                 | a C11 compiler                 | has_program ${CC%% *}
build | libc6-dev           | the C library's headers        | has_header stdio.h
build | make                | GNU make                       | has_program make
build | pkg-config          | pkg-config                     | has_program pkg-config
build | lua5.4              | Lua 5.4                        | has_lua
build | liblua5.4-dev       | Lua 5.4's headers              | has_library lua5.4 || has_library lua-5.4 || has_library lua54
build | libsndfile1-dev     | libsndfile                     | has_library sndfile
build | libsoxr-dev         | libsoxr                        | has_library soxr
build | libkissfft-dev      | kissfft (float)                | has_library kissfft-float
build | libopenblas-dev     | OpenBLAS                       | has_library openblas
build | zlib1g-dev          | zlib                           | has_library zlib
build | libhdf5-dev         | HDF5                           | has_library hdf5
build | libzip-dev          | libzip                         | has_library libzip
run   | lua-filesystem      | LuaFileSystem (rock luafilesystem) | has_module lfs
run   | lua-dkjson          | dkjson (rock dkjson)           | has_module dkjson
run   | lua-argparse        | argparse (rock argparse)       | has_module argparse
run   | gnuplot-nox         | gnuplot                        | has_program gnuplot
run   | fonts-dejavu-core   | the DejaVu fonts               | has_font
test  | lua-busted          | busted (rock busted)           | has_module busted
test  | lua-check           | luacheck (rock luacheck)       | has_program luacheck
rock  | luarocks            | LuaRocks                       | has_program luarocks
check | valgrind            | valgrind                       | has_program valgrind
doc   | lua-ldoc            | LDoc (rock ldoc)               | has_program ldoc
browser | chromium          | Chromium                       | has_program chromium
peers | python3-venv        | Python 3 with venv             | python3 -c 'import ensurepip, venv'
jupyter | python3-ipykernel | ipykernel (for notebooks)      | tools/jupyter.sh
jupyter | python3-nbclient  | nbclient (for notebooks)       | tools/jupyter.sh
LIST
}

has_program() { command -v "$1"; }
has_header() { echo "#include <$1>" | $CC -E -; }
has_library() { pkg-config --exists "$1"; }
has_lua() { [ "$("$LUA" -e 'io.write(_VERSION)')" = "Lua 5.4" ]; }
has_module() { "$LUA" -e "require '$1'"; }
has_font() {
  [ -e /usr/share/fonts/truetype/dejavu/DejaVuSans.ttf ] || fc-list | grep -q DejaVuSans
}

# Sets `packages` and `things` to what the purposes lack; `things` is one per line.
find_missing() {
  packages= things=
  while IFS='|' read -r purpose package thing test; do
    case " $* " in *" ${purpose%% *} "*) ;; *) continue ;; esac
    eval "$test" </dev/null >/dev/null 2>&1 && continue
    packages="$packages $(echo $package)"
    things="$things  $(echo $thing)
"
  done <<LIST
$(needs)
LIST
}

# Keeps of `packages` those that dpkg does not have: what needs a missing program to be tried may well be there.
drop_installed() {
  absent=
  for package in $packages; do
    case $(dpkg-query -W -f '${db:Status-Status}' "$package" 2>/dev/null) in
      installed) ;;
      *) absent="$absent $package" ;;
    esac
  done
}

known_to_apt() { apt-cache show $absent >/dev/null 2>&1; }

say() { echo "lubdub: $*" >&2; }

lua_version() { lua -v 2>&1 | sed -n 's/^Lua \(5\.[0-9]\).*/\1/p'; }

# Some tools bring Lua 5.1, which takes over the name `lua`. Where that was 5.4's or nobody's, 5.4 gets it (back).
restore_lua() {
  case $1 in '' | 5.4) ;; *) return ;; esac
  [ "$(lua_version)" = 5.4 ] || [ ! -x /usr/bin/lua5.4 ] ||
    $as_root update-alternatives --set lua-interpreter /usr/bin/lua5.4
}

install() {
  apt="env DEBIAN_FRONTEND=noninteractive apt-get -q -o DPkg::Lock::Timeout=300"
  known_to_apt || $as_root $apt update || return
  $as_root $apt install -y --no-install-recommends $absent </dev/null && return
  say "once more, with new package lists"
  $as_root $apt update && $as_root $apt install -y --no-install-recommends $absent </dev/null
}

find_missing "$@"
[ -n "$packages" ] || exit 0

if ! { command -v apt-get && command -v dpkg-query; } >/dev/null 2>&1; then
  say "these are missing; please install them, and type the command again:"
  printf '%s' "$things" >&2
  exit 1
fi

drop_installed
if [ -z "$absent" ]; then
  say "installed as packages, but not in working order here (CC=$CC, LUA=$LUA):"
  printf '%s' "$things" >&2
  exit 1
fi

if [ "$(id -u)" = 0 ]; then
  as_root=
elif sudo -n true 2>/dev/null; then
  as_root="sudo -n"
else
  command="apt-get install -y --no-install-recommends$absent"
  known_to_apt || command="apt-get update && $command"
  say "some packages are missing, and only root can install them. Please type this, and then your command again:"
  echo >&2
  if command -v sudo >/dev/null 2>&1; then
    case $command in *'&&'*) echo "    sudo sh -c '$command'" ;; *) echo "    sudo $command" ;; esac
  else
    echo "    su -c '$command'"
  fi >&2
  echo >&2
  exit 1
fi

say "installing$absent"
lua_before=$(lua_version)
if ! install; then
  say "apt-get could not install$absent"
  exit 1
fi
restore_lua "$lua_before"

find_missing "$@"
[ -n "$packages" ] || exit 0
say "installed, but still not in working order here (CC=$CC, LUA=$LUA):"
printf '%s' "$things" >&2
exit 1
