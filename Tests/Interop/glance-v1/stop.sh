#!/usr/bin/env bash
# stop.sh DIR: stops the two servers that start.sh DIR started (only those), and waits until they are gone.
[ $# -ge 1 ] || { echo "usage: stop.sh DIR" >&2; exit 2; }
for role in api registry; do
  [ -f "$1/$role.pid" ] || continue
  pid=$(cat "$1/$role.pid")
  if tr '\0' ' ' < "/proc/$pid/cmdline" 2>/dev/null | grep -q "glance-$role"; then
    kill "$pid" 2>/dev/null
    for _ in $(seq 20); do kill -0 "$pid" 2>/dev/null || break; sleep 0.1; done
    kill -9 "$pid" 2>/dev/null
  fi
  rm -f "$1/$role.pid"
done
exit 0
