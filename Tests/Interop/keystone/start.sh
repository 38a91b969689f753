#!/usr/bin/env bash
# Starts a REAL identity service (OpenStack Keystone 30.0.0: SQLite, Fernet tokens) on loopback. No root needed.
#
#   start.sh DIR PORT
#
# DIR   holds configuration, database, keys, log. Re-used if it is there, whatever the port was.
# VENV  (environment) the virtual environment, made when missing, shared by all DIRs; default DIR/venv.
# Prints "PID URL" and exits 0 once Keystone answers; prints the same again if it already runs. URL ends in /v3.
# Exit 77: no Python 3.11 or newer here. Exit 1: did not start (the reason is on standard error).
# Environment: PYTHON (interpreter), EXPIRATION (seconds that a token lasts; default 3600), EXTRA (lines for [DEFAULT]).
#
# In domain Default, each password is the user's name followed by "-password":
#   admin   role admin in project admin and in the system
#   baleen  role service in project service: may check tokens, no more
#   alice   role member in project alpha
#   bob     role member in project beta
set -euo pipefail
[ $# -ge 2 ] || { sed -n 2,17p "$0" >&2; exit 2; }
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
dir=$(mkdir -p "$1" && cd "$1" && pwd); venv=${VENV:-$dir/venv}; port=$2; url="http://127.0.0.1:$port/v3"
mkdir -p "$dir"/{conf,lock,log} && mkdir -p -m 700 "$dir"/{keys,receipts}
exec 9>"$dir/.lock"; flock 9

# what this call asks for; a running server that was started for something else is replaced
want=$(echo "$port expiration=${EXPIRATION:-3600} ${EXTRA:-}")
alive() { [ -f "$dir/pid" ] && kill -0 "$(cat "$dir/pid")" 2>/dev/null; }
answers() { "$venv/bin/python" - "$url" <<'P' 2>/dev/null
import sys, urllib.request as r
o = r.build_opener(r.ProxyHandler({}))
sys.exit(b'"v3' not in o.open(sys.argv[1], timeout=2).read())
P
}
if alive && [ "$(cat "$dir/want" 2>/dev/null)" = "$want" ] && answers; then echo "$(cat "$dir/pid") $url"; exit 0; fi
bash "$here/stop.sh" "$dir"
if (exec 3<>"/dev/tcp/127.0.0.1/$port") 2>/dev/null; then echo "keystone: port $port is taken" >&2; exit 1; fi

# 1. the virtual environment, once per set of versions; it may be shared by starts at the same time
mkdir -p "$venv"
exec 8>"$venv.lock"; flock 8
stamp=$(cksum < "$here/requirements.txt")
if [ "$(cat "$venv/.stamp" 2>/dev/null)" != "$stamp" ]; then
  py=
  for c in "${PYTHON:-}" python3.11 python3 python3.12 python3.13 /usr/bin/python3; do
    [ -n "$c" ] && "$c" -c 'import sys, venv, ensurepip; sys.exit(sys.version_info < (3, 11))' 2>/dev/null && { py=$c; break; }
  done
  [ -n "$py" ] || { echo "keystone: no Python 3.11 or newer with venv" >&2; exit 77; }
  rm -rf "$venv"; "$py" -m venv "$venv"
  for try in 1 2 3; do
    "$venv/bin/python" -m pip install --quiet --disable-pip-version-check --no-input --no-deps --prefer-binary \
      -r "$here/requirements.txt" 2>"$dir/log/pip.log" && break
    [ $try = 3 ] && { echo "keystone: installation failed:" >&2; tail -5 "$dir/log/pip.log" >&2; exit 1; }
    sleep 2
  done
  echo "$stamp" > "$venv/.stamp"
fi

# 2. the configuration, every time
cp "$here/app.py" "$dir/conf/keystoneapp.py"
cat > "$dir/conf/keystone.conf" <<C
[DEFAULT]
log_file = $dir/log/keystone.log
debug = false
notification_format = basic
${EXTRA:-}
[database]
connection = sqlite:///$dir/keystone.db?timeout=30
[token]
provider = fernet
expiration = ${EXPIRATION:-3600}
[fernet_tokens]
key_repository = $dir/keys
[fernet_receipts]
key_repository = $dir/receipts
[identity]
password_hash_rounds = 4
[oslo_concurrency]
lock_path = $dir/lock
[oslo_messaging_notifications]
driver = noop
C
export OS_KEYSTONE_CONFIG_FILES="$dir/conf/keystone.conf" PYTHONPATH="$dir/conf" LC_ALL=C.UTF-8 PYTHONWARNINGS=ignore
manage() {
  "$venv/bin/keystone-manage" --config-file "$dir/conf/keystone.conf" "$@" >>"$dir/log/manage.log" 2>&1 \
    || { echo "keystone: $1:" >&2; tail -5 "$dir/log/manage.log" >&2; exit 1; }
}

# 3. keys of this DIR alone, so that no other Keystone reads its tokens; made as fernet_setup makes them
for key in "$dir"/{keys,receipts}/{0,1}; do
  [ -s "$key" ] || (umask 077; head -c 32 /dev/urandom | base64 | tr '+/' '-_' > "$key")
done

# 4. a database with an administrator and the usual roles, once per set of versions (it takes seconds); each DIR has a copy
template="$venv/bootstrapped.db"
if [ ! -f "$dir/keystone.db.ok" ]; then
  rm -f "$dir"/keystone.db*
  if [ ! -f "$template" ]; then
    manage db_sync
    manage bootstrap --bootstrap-password admin-password
    "$venv/bin/python" - "$dir/keystone.db" "$template" <<'P'
import os, sqlite3, sys
database = sqlite3.connect(sys.argv[1])
database.execute('VACUUM INTO ?', [sys.argv[2] + '.new'])
os.rename(sys.argv[2] + '.new', sys.argv[2])
P
    rm -f "$dir"/keystone.db*
  fi
  cp "$template" "$dir/keystone.db"
fi
flock -u 8

# 5. the server
echo "$want" > "$dir/want"
"$venv/bin/python" -c 'import os, sys
try: os.setsid()
except OSError: pass
os.execv(sys.executable, [sys.executable, "-m", "gunicorn"] + sys.argv[1:])' \
  --bind "127.0.0.1:$port" --worker-class gthread --workers 1 --threads 16 --keep-alive 75 --timeout 0 \
  --graceful-timeout 1 --worker-tmp-dir "$dir/lock" --limit-request-field_size 16380 --no-control-socket \
  keystoneapp:application >"$dir/log/server.log" 2>&1 8>&- 9>&- </dev/null &
echo $! > "$dir/pid"
deadline=$((SECONDS + 60))
while [ $SECONDS -lt $deadline ]; do
  alive || break
  if answers; then
    # 6. who there is, and where the service is found
    "$venv/bin/python" "$here/people.py" "$url" 2>"$dir/log/people.log" \
      || { echo "keystone: users:" >&2; tail -5 "$dir/log/people.log" >&2; bash "$here/stop.sh" "$dir"; exit 1; }
    touch "$dir/keystone.db.ok"
    echo "$(cat "$dir/pid") $url"; exit 0
  fi
  sleep 0.1
done
echo "keystone: did not answer:" >&2; tail -8 "$dir/log/server.log" >&2; bash "$here/stop.sh" "$dir"; exit 1
