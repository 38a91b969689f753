#!/usr/bin/env bash
# stop.sh DIR: stops the Keystone that start.sh DIR PORT started (only that process), and waits until it is gone.
[ $# -ge 1 ] || { echo "usage: stop.sh DIR" >&2; exit 2; }
[ -f "$1/pid" ] || exit 0
pid=$(cat "$1/pid")
if tr '\0' ' ' < "/proc/$pid/cmdline" 2>/dev/null | grep -q 'keystoneapp'; then
  kill "$pid" 2>/dev/null
  for _ in $(seq 80); do kill -0 "$pid" 2>/dev/null || break; sleep 0.1; done
  kill -9 "$pid" 2>/dev/null
fi
rm -f "$1/pid"
exit 0
