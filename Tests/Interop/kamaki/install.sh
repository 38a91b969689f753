#!/usr/bin/env bash
# Installs the REAL Plankton client, kamaki 0.16 (Python 2), unchanged, into DIR and writes DIR/kamaki-python,
# an interpreter that can import it:  install.sh DIR ; DIR/kamaki-python my_script.py
# PYTHON (environment) downloads. Uses a Python 2.7 if the machine has one, else Jython 2.7 (Debian packages jython, libbcpkix-java).
set -euo pipefail
dir=$(mkdir -p "$1" && cd "$1" && pwd)
if [ ! -d "$dir/lib/kamaki" ]; then
  mkdir -p "$dir/sdist" "$dir/lib"
  "${PYTHON:-python3}" -m pip download -q --no-deps --no-binary :all: -d "$dir/sdist" kamaki==0.16 objpool==0.4 astakosclient==0.19 progress==1.2 2>/dev/null
  for f in "$dir"/sdist/*.tar.gz; do tar -C "$dir/sdist" -xzf "$f"; done
  cp -r "$dir"/sdist/kamaki-0.16/kamaki "$dir"/sdist/objpool-0.4/objpool "$dir"/sdist/astakosclient-0.19/astakosclient "$dir"/sdist/progress-1.2/progress "$dir/lib/"
fi
for candidate in "${PYTHON27:-}" python2.7 "${PYENV_ROOT:-$HOME/.pyenv}"/versions/2.7.*/bin/python; do
  [ -n "$candidate" ] && "$candidate" -c 'import sys; sys.exit(sys.version_info[:2] != (2, 7))' 2>/dev/null || continue
  printf '#!/bin/sh\nPYTHONPATH="%s/lib" exec "%s" "$@"\n' "$dir" "$candidate" > "$dir/kamaki-python"; break
done
if [ ! -f "$dir/kamaki-python" ]; then
  jar=/usr/share/java
  [ -f $jar/jython.jar ] && [ -f $jar/bcpkix.jar ] || { echo "kamaki: no Python 2.7 here; apt-get install jython libbcpkix-java" >&2; exit 77; }
  printf '#!/bin/sh\nexec java -cp %s -Dpython.home=/usr/share/jython -Dpython.path="%s/lib" -Dpython.cachedir="%s/cache" org.python.util.jython "$@"\n' \
    "$jar/jython.jar:$jar/bcpkix.jar:$jar/bcprov.jar:$jar/bcutil.jar" "$dir" "$dir" > "$dir/kamaki-python"
fi
chmod +x "$dir/kamaki-python"
"$dir/kamaki-python" -c 'from kamaki.clients.image import ImageClient' && echo "$dir/kamaki-python"
