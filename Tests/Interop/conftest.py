"""Fixtures: `gateway` is a running Baleen, once before its embedded registry and once before a real Glance."""
import itertools
import os
import shutil
import subprocess
from contextlib import ExitStack
from dataclasses import dataclass, replace
from pathlib import Path

import pytest

from harness.kamaki import Kamaki
from harness.keystone import Keystone
from harness.processes import PROJECT, Gateway, Glance, GlanceV1, NotHere

BACKENDS = ['embedded', 'glance']

# A second Baleen on its embedded registry stands in for servers that nobody can run any more: kind -> where it speaks so.
STAND_INS = {'glance-2010': '', 'plankton': '/image/v1.0'}


def pytest_addoption(parser):
    parser.addoption('--binary', default=str(PROJECT / '.build/release/baleen'), help='the gateway to test')
    parser.addoption('--backend', help='only tests before this backend')
    parser.addoption('--against', metavar='URL', help='a running server instead of the gateway: checks the tests')


def pytest_generate_tests(metafunc):
    if 'backend' in metafunc.fixturenames:
        only, kinds = metafunc.config.getoption('backend'), getattr(metafunc.module, 'BACKENDS', BACKENDS)
        kinds = [kind for kind in kinds if only in (None, kind)]
        metafunc.parametrize('backend', kinds, scope='session', indirect=True)


def pytest_sessionfinish(session, exitstatus):
    """On a CI machine everything is there: what is skipped there was not tested."""
    skipped = session.config.pluginmanager.get_plugin('terminalreporter').stats.get('skipped', [])
    if os.environ.get('CI') == 'true' and skipped and exitstatus == 0:
        session.exitstatus = 1


@pytest.fixture(scope='session')
def binary(pytestconfig):
    path = Path(pytestconfig.getoption('binary'))
    assert path.exists() or pytestconfig.getoption('against'), f'{path} is not there: make build'
    return path


@pytest.fixture(scope='session')
def glance_folder(tmp_path_factory):
    return tmp_path_factory.mktemp('glance')


@pytest.fixture(scope='session')
def glance(glance_folder):
    """The Glance that most tests share; each test is a tenant of its own there."""
    with Glance(glance_folder) as running:
        yield running


@pytest.fixture(scope='session')
def new_glance_v1(tmp_path_factory):
    """Starts Glances that speak v1, each with nothing in it; all stop at the end."""
    with ExitStack() as running:
        def start():
            try:
                return running.enter_context(GlanceV1(tmp_path_factory.mktemp('glance-v1')))
            except NotHere as reason:
                pytest.skip(str(reason))
        yield start


@pytest.fixture(scope='session')
def glance_v1(new_glance_v1):
    """The Glance 15 that most tests share; each test is a tenant of its own there."""
    return new_glance_v1()


@pytest.fixture(scope='session')
def keystone(tmp_path_factory):
    """The Keystone that most tests share."""
    with Keystone(tmp_path_factory.mktemp('keystone')) as running:
        yield running


@pytest.fixture(scope='session')
def guarded_glance(keystone, tmp_path_factory):
    """A Glance that asks that Keystone about every token."""
    with Glance(tmp_path_factory.mktemp('guarded-glance'), 'keystone', KEYSTONE=keystone.url) as running:
        yield running


@dataclass
class Backend:
    """A backend as configured, and what only some of them have."""

    kind: str
    configuration: dict
    objects: Path = None
    glance: Glance = None
    stand_in: Gateway = None

    def for_another_gateway(self, folder):
        """Its configuration; an embedded registry belongs to one gateway, so another has one of its own."""
        own = {'directory': str(folder / 'registry')} if 'directory' in self.configuration else {}
        return {**self.configuration, **own}


@pytest.fixture(scope='session')
def backend(request, binary, tmp_path_factory):
    kind, folder = request.param, tmp_path_factory.mktemp('backend')
    if kind == 'embedded' or request.config.getoption('against'):
        yield replace(embedded(folder), kind=kind)
    elif kind in STAND_INS:
        registry = embedded(folder)
        with Gateway(binary, folder / 'stand-in', registry.configuration) as running:
            configuration = {'dialect': kind, 'url': running.url + STAND_INS[kind]}
            yield Backend(kind, configuration, objects=registry.objects, stand_in=running)
    elif kind == 'glance-v1':
        yield Backend(kind, {'dialect': kind, 'url': request.getfixturevalue('glance_v1').url})
    else:
        running = request.getfixturevalue('glance')
        yield Backend(kind, {'dialect': 'image-v2', 'url': running.url}, glance=running)


def embedded(folder):
    """An empty embedded registry below the folder."""
    objects = folder / 'objects'
    objects.mkdir()
    return Backend(
        'embedded', {'dialect': 'embedded', 'directory': str(folder / 'registry'), 'objects': str(objects)}, objects)


@pytest.fixture
def embedded_backend(tmp_path):
    return embedded(tmp_path)


class Running:
    """A server that somebody else started."""

    def __init__(self, url):
        self.url = url
        self.port = int(url.rsplit(':', 1)[1])


@pytest.fixture(scope='session')
def gateway(pytestconfig, binary, backend, tmp_path_factory):
    """One gateway for all tests on a backend; at the end it must stop by itself, with exit status 0."""
    if pytestconfig.getoption('against'):
        yield Running(pytestconfig.getoption('against'))
        return
    with Gateway(binary, tmp_path_factory.mktemp('gateway'), backend.configuration) as running:
        yield running


# Every client dialect on one backend; Image API v2 at the root, as its clients read the versions there.
ALL_DIALECTS = [
    {'prefix': '/', 'dialect': 'image-v2', 'backend': 'main'},
    {'prefix': '/v1', 'dialect': 'glance-v1', 'backend': 'main'},
    {'prefix': '/image/v1.0', 'dialect': 'plankton', 'backend': 'main'},
    {'prefix': '/2010', 'dialect': 'glance-2010', 'backend': 'main'},
]


@pytest.fixture(scope='session')
def v2_gateway(pytestconfig, binary, backend, tmp_path_factory):
    """One gateway with a v2 mount for all tests on a backend."""
    if pytestconfig.getoption('against'):
        yield Running(pytestconfig.getoption('against'))
        return
    folder = tmp_path_factory.mktemp('gateway')
    with Gateway(binary, folder, backend.for_another_gateway(folder), mounts=ALL_DIALECTS) as running:
        yield running


@dataclass
class User:
    """Somebody with a tenant; user and tenant have one name, as Plankton's accounts do."""

    name: str
    role: str = 'member'

    @property
    def token(self):
        return f'{self.name}.{self.name}.{self.role}'

    @property
    def auth(self):
        return {'X-Auth-Token': self.token}


_numbers = itertools.count(1)


@pytest.fixture
def user():
    """Users nobody else has: user('alice'), user('root', role='admin')."""
    number = next(_numbers)
    return lambda name='alice', role='member': User(f'{name}{number}', role)


@pytest.fixture(scope='session')
def kamaki():
    running = Kamaki()
    yield running
    running.close()


@pytest.fixture(scope='session')
def iso():
    """A real bootable image, from Debian's package ipxe."""
    return Path('/usr/lib/ipxe/ipxe.iso')


@pytest.fixture(scope='session')
def qcow2(tmp_path_factory):
    """A real qcow2 of some size with some data in it."""
    folder = tmp_path_factory.mktemp('qcow2')
    raw, path = folder / 'disk.raw', folder / 'disk.qcow2'
    raw.write_bytes(os.urandom(3 << 20) + bytes(5 << 20))
    subprocess.run([shutil.which('qemu-img'), 'convert', '-O', 'qcow2', raw, path], check=True)
    return path
