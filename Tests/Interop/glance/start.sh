#!/usr/bin/env bash
# Starts a REAL Image API v2 registry (OpenStack Glance 33.0.0) on loopback. No root needed.
#
#   start.sh DIR PORT [MODE]
#
# DIR   holds configuration, database, image data, log. Re-used if it is there.
# VENV  (environment) the virtual environment, made when missing, shared by all DIRs; default DIR/venv.
# MODE  token (default): X-Auth-Token "user:tenant:role[,role]" or "user.tenant.role" says who calls; else 401
#       open:            every caller is an administrator with no tenant, no token needed
#       keystone:        the Keystone at KEYSTONE (environment, its /v3) is asked about every token, each time
# Prints "PID URL" and exits 0 once the registry answers; prints the same again if it already runs.
# Exit 77: no Python 3.11 or newer here. Exit 1: did not start (the reason is on standard error).
# Environment: PYTHON (interpreter), FORMAT_CHECK=1 (refuse data that is not what disk_format says; default 0),
#              CUSTOM_SCHEMA=1 (kernel_id and ramdisk_id must be UUID or null, as most distributions configure it),
#              SECOND_STORE=0 (no second store), HTTP_STORE=0 (no http:// locations), EXTRA (lines for [DEFAULT]).
set -euo pipefail
[ $# -ge 2 ] || { sed -n 2,15p "$0" >&2; exit 2; }
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
dir=$(mkdir -p "$1" && cd "$1" && pwd); venv=${VENV:-$dir/venv}; port=$2; mode=${3:-token}; url="http://127.0.0.1:$port"
case $mode in
  token|open) ;;
  keystone) [ -n "${KEYSTONE:-}" ] || { echo "glance-v2: MODE keystone needs KEYSTONE" >&2; exit 2; };;
  *) echo "glance-v2: MODE must be token, open or keystone" >&2; exit 2;;
esac
mkdir -p "$dir"/{conf,images,images2,staging,tasks,lock,log}
exec 9>"$dir/.lock"; flock 9

# what this call asks for; a running server that was started for something else is replaced
want="$port $mode fmt=${FORMAT_CHECK:-0} second=${SECOND_STORE:-1} http=${HTTP_STORE:-1} schema=${CUSTOM_SCHEMA:-0} ${KEYSTONE:-} ${EXTRA:-}"
want=$(echo "$want")
alive() { [ -f "$dir/pid" ] && kill -0 "$(cat "$dir/pid")" 2>/dev/null; }
answers() { "$venv/bin/python" - "$url/versions" <<'P' 2>/dev/null
import sys, urllib.request as r
o = r.build_opener(r.ProxyHandler({}))
sys.exit(b'v2.17' not in o.open(sys.argv[1], timeout=2).read())
P
}
if alive && [ "$(cat "$dir/want" 2>/dev/null)" = "$want" ] && answers; then echo "$(cat "$dir/pid") $url"; exit 0; fi
bash "$here/stop.sh" "$dir"
if (exec 3<>"/dev/tcp/127.0.0.1/$port") 2>/dev/null; then echo "glance-v2: port $port is taken" >&2; exit 1; fi

# 1. the virtual environment, once per set of versions
stamp=$(cksum < "$here/requirements.txt")
if [ "$(cat "$venv/.stamp" 2>/dev/null)" != "$stamp" ]; then
  py=
  for c in "${PYTHON:-}" python3.11 python3 python3.12 python3.13 /usr/bin/python3; do
    [ -n "$c" ] && "$c" -c 'import sys, venv, ensurepip; sys.exit(sys.version_info < (3, 11))' 2>/dev/null && { py=$c; break; }
  done
  [ -n "$py" ] || { echo "glance-v2: no Python 3.11 or newer with venv" >&2; exit 77; }
  rm -rf "$venv"; "$py" -m venv "$venv"
  for try in 1 2 3; do
    "$venv/bin/python" -m pip install --quiet --disable-pip-version-check --no-input --no-deps --prefer-binary \
      -r "$here/requirements.txt" 2>"$dir/log/pip.log" && break
    [ $try = 3 ] && { echo "glance-v2: installation failed:" >&2; tail -5 "$dir/log/pip.log" >&2; exit 1; }
    sleep 2
  done
  echo "$stamp" > "$venv/.stamp"
fi

# 2. the configuration, every time
cp "$here/tokenauth.py" "$dir/conf/tokenauth.py"; cp "$here/app.py" "$dir/conf/glancev2app.py"
stores=main:file
[ "${SECOND_STORE:-1}" = 1 ] && stores=$stores,second:file
[ "${HTTP_STORE:-1}" = 1 ] && stores=$stores,web:http
formats=False; [ "${FORMAT_CHECK:-0}" = 1 ] && formats=True
cat > "$dir/conf/glance-api.conf" <<C
[DEFAULT]
enabled_backends = $stores
enabled_import_methods = [glance-direct,web-download,copy-image]
show_image_direct_url = true
show_multiple_locations = true
worker_self_reference_url = $url
image_property_quota = 1024
image_tag_quota = 1024
image_member_quota = 1024
image_location_quota = 16
lock_path = $dir/lock
log_file = $dir/log/glance.log
debug = false
${EXTRA:-}
[database]
connection = sqlite:///$dir/glance.db?timeout=30
[glance_store]
default_backend = main
[main]
filesystem_store_datadir = $dir/images
store_description = first file store
[second]
filesystem_store_datadir = $dir/images2
store_description = second file store
[web]
store_description = read-only http locations
[os_glance_staging_store]
filesystem_store_datadir = $dir/staging
[os_glance_tasks_store]
filesystem_store_datadir = $dir/tasks
[image_format]
require_image_format_match = $formats
[import_filtering_opts]
allowed_schemes = [http,https]
allowed_hosts = [127.0.0.1,localhost]
allowed_ports = []
[paste_deploy]
flavor = $mode
config_file = $dir/conf/glance-api-paste.ini
[oslo_policy]
policy_file = $dir/conf/policy.yaml
[oslo_concurrency]
lock_path = $dir/lock
[oslo_messaging_notifications]
driver = noop
C
[ "$mode" != keystone ] || cat >> "$dir/conf/glance-api.conf" <<C
[keystone_authtoken]
www_authenticate_uri = $KEYSTONE
auth_url = $KEYSTONE
auth_type = password
username = baleen
password = baleen-password
user_domain_id = default
project_name = service
project_domain_id = default
token_cache_time = -1
http_request_max_retries = 1
service_token_roles_required = true
C
cat > "$dir/conf/glance-api-paste.ini" <<'C'
[pipeline:glance-api-token]
pipeline = versionnegotiation tokenauth context rootapp
[pipeline:glance-api-open]
pipeline = versionnegotiation anybody rootapp
[pipeline:glance-api-keystone]
pipeline = versionnegotiation authtoken context rootapp
[composite:rootapp]
paste.composite_factory = glance.api:root_app_factory
/: apiversions
/v2: apiv2app
[app:apiversions]
paste.app_factory = glance.api.versions:create_resource
[app:apiv2app]
paste.app_factory = glance.api.v2.router:API.factory
[filter:versionnegotiation]
paste.filter_factory = glance.api.middleware.version_negotiation:VersionNegotiationFilter.factory
[filter:tokenauth]
paste.filter_factory = tokenauth:factory
[filter:authtoken]
paste.filter_factory = keystonemiddleware.auth_token:filter_factory
delay_auth_decision = true
[filter:context]
paste.filter_factory = glance.api.middleware.context:ContextMiddleware.factory
[filter:anybody]
paste.filter_factory = glance.api.middleware.context:UnauthenticatedContextMiddleware.factory
C
rm -f "$dir/conf/schema-image.json"
uuid='^([0-9a-fA-F]){8}-([0-9a-fA-F]){4}-([0-9a-fA-F]){4}-([0-9a-fA-F]){4}-([0-9a-fA-F]){12}$'
[ "${CUSTOM_SCHEMA:-0}" = 1 ] && printf '{"kernel_id":{"type":["null","string"],"pattern":"%s"},"ramdisk_id":{"type":["null","string"],"pattern":"%s"}}\n' \
  "$uuid" "$uuid" > "$dir/conf/schema-image.json"
# Default policies; but in MODE=open nobody has a role, so there every caller is made an administrator by rule.
if [ "$mode" = open ]; then printf '"context_is_admin": "@"\n"service_api": "@"\n'; else echo '{}'; fi > "$dir/conf/policy.yaml"

# 3. the database, once
export OS_GLANCE_CONFIG_DIR="$dir/conf" PYTHONPATH="$dir/conf" LC_ALL=C.UTF-8 PYTHONWARNINGS=ignore
if [ ! -f "$dir/glance.db.ok" ]; then
  rm -f "$dir/glance.db"
  "$venv/bin/glance-manage" --config-file "$dir/conf/glance-api.conf" db_sync >"$dir/log/db.log" 2>&1 \
    || { echo "glance-v2: database:" >&2; tail -5 "$dir/log/db.log" >&2; exit 1; }
  touch "$dir/glance.db.ok"
fi

# 4. the server
echo "$want" > "$dir/want"
"$venv/bin/python" -c 'import os, sys
try: os.setsid()
except OSError: pass
os.execv(sys.executable, [sys.executable, "-m", "gunicorn"] + sys.argv[1:])' \
  --bind "127.0.0.1:$port" --worker-class gthread --workers 1 --threads 16 --keep-alive 75 --timeout 0 \
  --graceful-timeout 1 --worker-tmp-dir "$dir/lock" --limit-request-field_size 16380 --no-control-socket \
  glancev2app:application >"$dir/log/server.log" 2>&1 9>&- </dev/null &
echo $! > "$dir/pid"
for _ in $(seq 300); do
  alive || break
  answers && { echo "$(cat "$dir/pid") $url"; exit 0; }
  sleep 0.1
done
echo "glance-v2: did not answer:" >&2; tail -8 "$dir/log/server.log" >&2; bash "$here/stop.sh" "$dir"; exit 1
