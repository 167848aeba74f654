#!/bin/sh
# Installs the servers that come from Debian rather than npm: redis-server, for the tests that run over a real Redis.
# Safe to run again. No system service is left running; the tests start their own servers on free ports.
set -eu

if command -v redis-server >/dev/null 2>&1; then
  echo "servers.sh: redis-server is installed ($(redis-server --version | cut -d' ' -f3))"
  exit 0
fi

if [ "$(id -u)" != 0 ] || ! command -v apt-get >/dev/null 2>&1; then
  echo '**********************************************************************' >&2
  echo 'servers.sh: redis-server is MISSING and cannot be installed from here.' >&2
  echo 'The tests over a real Redis will be skipped. To run them:' >&2
  echo '  sudo apt-get install redis-server' >&2
  echo '**********************************************************************' >&2
  exit 1
fi

export DEBIAN_FRONTEND=noninteractive
# invoke-rc.d starts no service in runlevel 1.
export RUNLEVEL=1
install_redis() {
  apt-get install -y --no-install-recommends -o Dpkg::Options::=--force-confold redis-server
}
# The package lists of a fresh machine may be missing or too old.
install_redis >/dev/null 2>&1 || { apt-get update && install_redis; }

if command -v systemctl >/dev/null 2>&1; then
  systemctl disable --now redis-server >/dev/null 2>&1 || true
fi
if command -v service >/dev/null 2>&1; then
  service redis-server stop >/dev/null 2>&1 || true
fi
echo "servers.sh: installed redis-server ($(redis-server --version | cut -d' ' -f3)); no service is running"
