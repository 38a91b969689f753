#!/usr/bin/env bash
# Starts a REAL Image API v1 registry (OpenStack Glance 15.0.2) on loopback. No identity service, no root needed.
#
#   start.sh DIR PORT REGISTRY_PORT
#
# DIR   holds configuration, database, image data, log. Re-used if it is there.
# VENV  (environment) the virtual environment, made when missing, shared by all DIRs; default DIR/venv.
# The X-Auth-Token "user.tenant.role[,role]" says who calls; else 401. Only administrators publish, as by default.
# Prints "API_PID REGISTRY_PID URL" and exits 0 once the registry answers.
# Exit 77: no Python 3.6 here (PYTHON36 may name one). Exit 1: did not start (the reason is on standard error).
set -euo pipefail
[ $# -eq 3 ] || { sed -n 2,11p "$0" >&2; exit 2; }
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
dir=$(mkdir -p "$1" && cd "$1" && pwd); venv=${VENV:-$dir/venv}; port=$2; registry=$3; url="http://127.0.0.1:$port"
mkdir -p "$dir"/{conf,images,lock,log}
bash "$here/stop.sh" "$dir"

# 1. the virtual environment, once per set of versions
stamp=$(cksum < "$here/requirements.txt")
if [ "$(cat "$venv/.stamp" 2>/dev/null)" != "$stamp" ]; then
  py=
  for c in "${PYTHON36:-}" python3.6 "${PYENV_ROOT:-$HOME/.pyenv}"/versions/3.6.*/bin/python; do
    [ -n "$c" ] && "$c" -c 'import sys, venv, ensurepip; sys.exit(sys.version_info[:2] != (3, 6))' 2>/dev/null \
      && { py=$c; break; }
  done
  [ -n "$py" ] || { echo "glance-v1: no Python 3.6 on this machine; PYTHON36 may name one" >&2; exit 77; }
  rm -rf "$venv"; "$py" -m venv "$venv"
  install() { "$venv/bin/python" -m pip install --quiet --disable-pip-version-check --no-input --no-deps "$@"; }
  for try in 1 2 3; do
    # Some of the packages are built here, with the tools of their time.
    install pip==21.3.1 setuptools==57.5.0 wheel==0.37.1 2>"$dir/log/pip.log" \
      && install -r "$here/requirements.txt" 2>>"$dir/log/pip.log" && break
    [ $try = 3 ] && { echo "glance-v1: installation failed:" >&2; tail -5 "$dir/log/pip.log" >&2; exit 1; }
    sleep 2
  done
  echo "$stamp" > "$venv/.stamp"
fi

# 2. the configuration, every time
cp "$here/../glance/tokenauth.py" "$here/utf8.py" "$dir/conf/"
echo '{"context_is_admin": "role:admin", "default": "", "publicize_image": "role:admin"}' > "$dir/conf/policy.json"
cat > "$dir/conf/paste.ini" <<'C'
[pipeline:glance-api]
pipeline = utf8 versionnegotiation tokenauth context rootapp
[pipeline:glance-registry]
pipeline = context registryapp
[composite:rootapp]
paste.composite_factory = glance.api:root_app_factory
/: apiversions
/v1: apiv1app
/v2: apiv2app
[app:apiversions]
paste.app_factory = glance.api.versions:create_resource
[app:apiv1app]
paste.app_factory = glance.api.v1.router:API.factory
[app:apiv2app]
paste.app_factory = glance.api.v2.router:API.factory
[app:registryapp]
paste.app_factory = glance.registry.api:API.factory
[filter:utf8]
paste.filter_factory = utf8:factory
[filter:versionnegotiation]
paste.filter_factory = glance.api.middleware.version_negotiation:VersionNegotiationFilter.factory
[filter:tokenauth]
paste.filter_factory = tokenauth:factory
[filter:context]
paste.filter_factory = glance.api.middleware.context:ContextMiddleware.factory
C
for role in api registry; do
  [ $role = api ] && bind=$port || bind=$registry
  cat > "$dir/conf/glance-$role.conf" <<C
[DEFAULT]
bind_host = 127.0.0.1
bind_port = $bind
workers = 0
registry_host = 127.0.0.1
registry_port = $registry
send_identity_headers = true
use_user_token = false
enable_v1_api = true
enable_v1_registry = true
enable_v2_api = true
lock_path = $dir/lock
log_file = $dir/log/$role.log
[database]
connection = sqlite:///$dir/glance.db
[glance_store]
stores = file,http
default_store = file
filesystem_store_datadir = $dir/images
[paste_deploy]
config_file = $dir/conf/paste.ini
flavor =
[oslo_policy]
policy_file = $dir/conf/policy.json
C
done

# 3. the database, once
export PYTHONPATH="$dir/conf" LC_ALL=C.UTF-8 PYTHONWARNINGS=ignore
if [ ! -f "$dir/glance.db.ok" ]; then
  rm -f "$dir/glance.db"
  "$venv/bin/glance-manage" --config-file "$dir/conf/glance-api.conf" db_sync >"$dir/log/db.log" 2>&1 \
    || { echo "glance-v1: database:" >&2; tail -5 "$dir/log/db.log" >&2; exit 1; }
  touch "$dir/glance.db.ok"
fi

# 4. the two servers
for role in registry api; do
  setsid "$venv/bin/python" "$venv/bin/glance-$role" --config-file "$dir/conf/glance-$role.conf" \
    >"$dir/log/$role.out" 2>&1 </dev/null &
  echo $! > "$dir/$role.pid"
done
answers() { "$venv/bin/python" - "$url/v1/images" <<'P' 2>/dev/null
import urllib.request as r
import sys
o = r.build_opener(r.ProxyHandler({}))
o.open(r.Request(sys.argv[1], headers={'X-Auth-Token': 'probe.probe.member'}), timeout=2)
P
}
for _ in $(seq 300); do
  kill -0 "$(cat "$dir/api.pid")" && kill -0 "$(cat "$dir/registry.pid")" || break
  answers && { echo "$(cat "$dir/api.pid") $(cat "$dir/registry.pid") $url"; exit 0; }
  sleep 0.1
done
echo "glance-v1: did not answer:" >&2; tail -8 "$dir"/log/{api,registry}.out >&2; bash "$here/stop.sh" "$dir"; exit 1
