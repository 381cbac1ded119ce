#!/usr/bin/env bash
# A Postgres server for the tests: `postgres.sh` installs it, if it is missing and the system has apt; `postgres.sh start FOLDER PORT`
# starts one that keeps everything in a new folder and is reached by nobody but this machine; `postgres.sh stop FOLDER` ends it.
# A file FOLDER/password with the password of its user "tests" lies there before it starts.
set -euo pipefail

# Debian keeps the programs of the server apart from those of everybody.
newest=$(find /usr/lib/postgresql -maxdepth 2 -name bin 2> /dev/null | sort -V | tail -n 1 || true)
PATH="${newest:+$newest:}$PATH"

# The server refuses to run as root.
as_other() {
  if [ "$(id -u)" -eq 0 ]; then
    runuser -u postgres -- "$@"
  else
    "$@"
  fi
}

case "${1:-install}" in
  install)
    if command -v initdb > /dev/null; then
      exit 0
    fi
    # The package would start a server of its own.
    mkdir -p /etc/postgresql-common/createcluster.d
    echo "create_main_cluster = false" > /etc/postgresql-common/createcluster.d/none.conf
    apt-get update --quiet
    DEBIAN_FRONTEND=noninteractive apt-get install --quiet --yes --no-install-recommends postgresql
    ;;
  start)
    if [ "$(id -u)" -eq 0 ]; then
      chown -R postgres "$2"
    fi
    cd "$2"
    as_other initdb --pgdata "$2/data" --username tests --pwfile "$2/password" --auth-local trust \
      --auth-host scram-sha-256 --encoding UTF8 --locale C --no-sync > /dev/null
    as_other pg_ctl --pgdata "$2/data" --log "$2/data/log" --wait --silent --options \
      "-c listen_addresses=127.0.0.1 -c port=$3 -c unix_socket_directories=$2 -c fsync=off -c max_connections=20" start
    ;;
  stop)
    cd "$2"
    as_other pg_ctl --pgdata "$2/data" --mode immediate --silent stop
    ;;
esac
