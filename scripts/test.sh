#!/bin/sh
# `pnpm test`: every test, or those of the folders that are named. Where a server is not available, the tests that need it do
# not run; the reporter lists them, and the run ends with an error.
set -u
missing=no
sh "$(dirname "$0")/servers.sh" || missing=yes
code=0
vitest run "$@" || code=$?
if [ $missing = yes ]; then
  echo 'test.sh: a server is missing, so not every test ran; see "not run" above' >&2
  [ $code != 0 ] || code=1
fi
exit $code
