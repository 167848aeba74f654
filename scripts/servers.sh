#!/bin/sh
# Provides the servers that come from Debian and not from npm, for the tests that run over the real ones. As root it
# installs the packages; otherwise, or with --unpack, it unpacks the same packages into .warmtoken/servers, where
# vitest.config.ts finds them. Safe to run again. It leaves no service running: tests start their servers on free ports.
set -eu
cd "$(dirname "$0")/.."

# binary:package
servers='redis-server:redis-server chromium-headless-shell:chromium-headless-shell initdb:postgresql postgres:postgresql'
folder=$PWD/.warmtoken/servers
unpack=no
[ "${1:-}" = --unpack ] && unpack=yes

say() { echo "servers.sh: $*"; }

is_here() {
  [ -x "$folder/bin/$1" ] && return
  [ $unpack = no ] || return
  command -v "$1" >/dev/null 2>&1 && return
  # Debian does not put the programs of PostgreSQL on the path.
  for path in /usr/lib/postgresql/*/bin/"$1"; do [ -x "$path" ] && return; done
}

# The packages that are missing, each once.
missing() {
  last=
  for server in $servers; do
    package=${server##*:}
    [ "$package" = "$last" ] || is_here "${server%%:*}" || { echo "$package"; last=$package; }
  done
}

install_packages() {
  export DEBIAN_FRONTEND=noninteractive
  # invoke-rc.d starts no service in runlevel 1.
  export RUNLEVEL=1
  apt_install() { apt-get install -y --no-install-recommends -o Dpkg::Options::=--force-confold "$@"; }
  # The package lists of a fresh machine may be missing or too old.
  apt_install "$@" >/dev/null 2>&1 || { apt-get update && apt_install "$@"; }
  for service in "$@"; do
    if command -v systemctl >/dev/null 2>&1; then systemctl disable --now "$service" >/dev/null 2>&1 || true; fi
    if command -v service >/dev/null 2>&1; then service "$service" stop >/dev/null 2>&1 || true; fi
  done
}

# The packages and what they need that is not installed: unpacking brings no dependencies on its own.
with_dependencies() {
  apt-cache $options depends --recurse --no-recommends --no-suggests --no-conflicts --no-breaks --no-replaces --no-enhances "$@" |
    grep -E '^[a-z0-9][a-z0-9.+-]*$' | sort -u | while read -r package; do
    for wanted in "$@"; do [ "$package" = "$wanted" ] && echo "$package" && continue 2; done
    # What holds the binaries of the packages above: unpacked together they work wherever they are.
    case $package in redis-tools | postgresql-[0-9]*) echo "$package" && continue ;; esac
    dpkg-query -W -f '${Status}' "$package" 2>/dev/null | grep -q 'ok installed' || echo "$package"
  done
}

unpack_packages() {
  mkdir -p "$folder/debs/partial" "$folder/lists/partial" "$folder/root" "$folder/bin"
  options='-q -o APT::Sandbox::User='
  if ! (cd "$folder/debs" && apt-get $options download $(with_dependencies "$@")) >/dev/null 2>&1; then
    # The lists of the system are missing or too old, and belong to root: these are our own.
    options="$options -o Dir::State::lists=$folder/lists -o Dir::Cache=$folder/debs"
    apt-get $options update >/dev/null
    (cd "$folder/debs" && apt-get $options download $(with_dependencies "$@")) >/dev/null
  fi
  for deb in "$folder"/debs/*.deb; do dpkg -x "$deb" "$folder/root"; done
  rm -rf "$folder/debs" "$folder/lists"
  libraries=$(find "$folder/root" -name '*.so*' -exec dirname {} \; | sort -u | tr '\n' ':')
  for server in $servers; do
    binary=$(find "$folder/root" -name "${server%%:*}" \( -path '*/bin/*' -o -path '*/sbin/*' \) | head -n 1)
    [ -n "$binary" ] || continue
    printf '#!/bin/sh\nLD_LIBRARY_PATH="%s$LD_LIBRARY_PATH" exec "%s" "$@"\n' "$libraries" "$binary" > "$folder/bin/${server%%:*}"
    chmod +x "$folder/bin/${server%%:*}"
  done
}

wanted=$(missing)
if [ -z "$wanted" ]; then
  say 'all servers are here'
  exit 0
fi

if command -v apt-get >/dev/null 2>&1; then
  if [ "$(id -u)" = 0 ] && [ $unpack = no ]; then install_packages $wanted || true
  else unpack_packages $wanted || true
  fi
fi

wanted=$(missing)
if [ -n "$wanted" ]; then
  echo '**********************************************************************' >&2
  say "MISSING: $wanted" >&2
  say 'the tests that need them do not run. On Debian or Ubuntu:' >&2
  echo "  sudo apt-get install $wanted" >&2
  echo '**********************************************************************' >&2
  exit 1
fi
say 'all servers are here now'
