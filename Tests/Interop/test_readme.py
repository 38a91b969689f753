"""The README's examples, pasted one by one as a new user would."""
import os
import pty
import re
import subprocess
import sys
from pathlib import Path

import pytest

from harness.processes import PROJECT, VENVS
from harness.wire import call, eventually, free_ports

README = (PROJECT / 'README.md').read_text()


def examples():
    """The fenced examples of the section `Try it`: their language and text."""
    section = README.split('\n## Try it\n')[1].split('\n## ')[0]
    return re.findall(r'^```(sh|python)\n(.*?)^```$', section, re.MULTILINE | re.DOTALL)


@pytest.fixture
def first_start(binary, tmp_path):
    """The gateway as `make run` starts it, but for its ports."""
    port, admin = free_ports(2)
    environment = {
        **os.environ, 'BALEEN_LISTEN': f'[{{address: "127.0.0.1:{port}"}}]', 'BALEEN_ADMIN_ADDRESS': f'127.0.0.1:{admin}'}
    process = subprocess.Popen(
        [binary, 'serve', '--config', PROJECT / 'config/baleen.json5'], cwd=tmp_path, env=environment,
        stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    url = f'http://127.0.0.1:{port}'

    def answers():
        try:
            return call('GET', f'{url}/v1/images', {'X-Auth-Token': 'alice'}).status == 200
        except ConnectionError:
            return False

    assert eventually(answers)
    yield url
    process.terminate()
    assert process.wait(20) == 0


def test_the_examples(first_start, kamaki, tmp_path):
    url = first_start
    assert {language for language, _ in examples()} == {'sh', 'python'}
    path = f'{Path(sys.executable).parent}:{os.environ["PATH"]}'
    output = ''
    for number, (language, text) in enumerate(examples()):
        text = text.replace('http://127.0.0.1:9292', url)
        script = tmp_path / f'example{number}'
        script.write_text(text)
        interpreter = ['bash', '-e'] if language == 'sh' else [VENVS / 'kamaki/kamaki-python']
        done, said = at_a_terminal([*interpreter, script], cwd=tmp_path, env={**os.environ, 'PATH': path})
        assert done == 0, f'{text}\n{said}'
        output += said
    for expected in ('"type": "kernel"', 'Ubuntu 10.04 LTS', 'arm64', 'modern', 'Debian Base', 'bob', 'debian.diskdump'):
        assert expected in output, output
    assert (tmp_path / 'copy.img').read_bytes() == b'not really a kernel\n'


def at_a_terminal(command, **arguments):
    """Runs a command with a terminal of its own; its exit status and what it printed."""
    terminal, inside = pty.openpty()
    with subprocess.Popen(
            command, stdin=inside, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
            **arguments) as process:
        said, _ = process.communicate(timeout=120)
    os.close(terminal)
    os.close(inside)
    return process.returncode, said
