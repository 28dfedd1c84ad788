#!/bin/sh
# npm start, stop and logs on a machine where nothing is installed yet: first the packages, then local/<name>.ts with
# what else is given; or, given a path, any other program of the project.
set -eu
cd "$(dirname "$0")/.."
node=node_modules/.bin/node
if [ "$1" = stop ] && [ ! -x "$node" ]; then
  echo 'Nothing was running.'
  exit 0
fi
if [ ! -x "$node" ] || [ ! -f node_modules/.package-lock.json ]; then
  echo 'Installing packages (npm ci)' >&2
  npm ci --no-progress --loglevel=error >&2
elif [ package-lock.json -nt node_modules/.package-lock.json ]; then
  echo 'Updating packages (npm install)' >&2
  npm install --no-progress --loglevel=error >&2
fi
case $1 in
  */*) exec "$node" "$@" ;;
  *)
    program=$1
    shift
    exec "$node" "local/$program.ts" "$@"
    ;;
esac
