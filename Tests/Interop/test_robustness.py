"""Hostile requests and misbehaving backends: 594 and 162 recorded cases, played by robustness/check.py."""
import json
import re
import subprocess
import sys
from pathlib import Path

import pytest

from harness.differs import settle
from harness.processes import Gateway
from harness.wire import free_ports

FOLDER = Path(__file__).parent / 'robustness'
SETTINGS = {
    'timeouts': {
        'requestHeader': '3s', 'bodyIdle': '3s', 'writeIdle': '3s', 'keepAliveIdle': '5s', 'upstreamConnect': '2s',
        'upstreamHead': '3s', 'upstreamBetweenBytes': '3s',
    },
}


@pytest.mark.timeout(900)
@pytest.mark.parametrize('front', ['v1', 'plankton'])
def test_hostile_requests_and_misbehaving_backends(binary, tmp_path, front):
    (backend,) = free_ports(1)
    registry = {'dialect': 'image-v2', 'url': f'http://127.0.0.1:{backend}'}
    with Gateway(binary, tmp_path, registry, **SETTINGS) as gateway:
        done = subprocess.run(
            [sys.executable, FOLDER / 'check.py', '--gateway', f'127.0.0.1:{gateway.port}',
             '--backend-listen', f'127.0.0.1:{backend}', '--front', front, '--json', tmp_path / 'cases.json'],
            stdout=subprocess.PIPE, text=True, timeout=800)
    assert re.search(r'^\d+ passed, \d+ failed$', done.stdout, re.MULTILINE), done.stdout[-2000:]
    cases = json.loads((tmp_path / 'cases.json').read_text())['cases']
    different = {each['id']: each for each in cases if each['result'] != 'pass'}
    settle(FOLDER / f'differs-{front}.txt', different, {each['id'] for each in cases})
