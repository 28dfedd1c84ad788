#!/bin/sh
# npm start and npm stop on a machine where nothing is installed yet: first the packages, then local/<name>.ts;
# or, given a path, any other program of the project.
set -eu
cd "$(dirname "$0")/.."
node=node_modules/.bin/node
if [ ! -x "$node" ] || [ ! -f node_modules/.package-lock.json ] || [ package-lock.json -nt node_modules/.package-lock.json ]; then
  if [ "$1" = stop ] && [ ! -x "$node" ]; then
    echo 'Nothing was running.'
    exit 0
  fi
  echo 'Installing packages (npm ci)' >&2
  npm ci --no-progress >&2
fi
case "$1" in
*.ts) exec "$node" "$@" ;;
*) exec "$node" "local/$1.ts" ;;
esac
