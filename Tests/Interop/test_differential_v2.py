"""The real Glance 33, asked directly and through a v2 mount of the gateway: the same requests, and the same answers.

Each side has a Glance of its own with nothing in it at the beginning. What differs on purpose, and why, says
differential/differs-v2.txt; a name that is listed there and does not differ fails as well.
"""
from contextlib import ExitStack
from pathlib import Path

import pytest

from differential.requests_v2 import FILES, IDS, REQUESTS
from harness.differential import Side, differences, run, unexpected
from harness.differs import settle
from harness.files import Files
from harness.processes import Gateway, Glance

DIFFERS = Path(__file__).parent / 'differential/differs-v2.txt'
TOKENS = {
    'alice': 'alice.acme.member', 'amy': 'amy.acme.member', 'rita': 'rita.acme.reader', 'bob': 'bob.beta.member',
    'dora': 'dora.delta.member', 'root': 'root.ops.admin', 'liar': 'not-a-token',
}
MOUNTS = [{'prefix': '/', 'dialect': 'image-v2', 'backend': 'main'}]


@pytest.fixture(scope='module')
def new_glance(tmp_path_factory):
    """Starts Glances with nothing in them; Python's sets have one order in all of them."""
    with ExitStack() as running:
        yield lambda: running.enter_context(Glance(tmp_path_factory.mktemp('glance'), PYTHONHASHSEED='0'))


@pytest.fixture(scope='module')
def words():
    with Files(FILES) as files:
        yield {**IDS, 'FILES': files.url}


def side(glance, url, words):
    """A server with this Glance in it or behind it; where that keeps its data is its own matter."""
    return Side(url, TOKENS.get, words, {str(glance.folder): 'FOLDER'})


@pytest.fixture(scope='module')
def direct(new_glance, words):
    """What two Glances answer."""
    return run(REQUESTS, *(side(glance, glance.url, words) for glance in (new_glance(), new_glance())))


def test_two_glances_say_the_same(direct):
    """Nothing of what is found below comes from asking two servers; and the table says what they answer."""
    one, other = direct
    assert unexpected(REQUESTS, one) == {}
    assert differences(REQUESTS, one, other) == {}


def test_glance_through_the_gateway_says_the_same(direct, new_glance, words, binary, tmp_path):
    assert len(REQUESTS) >= 150
    behind = new_glance()
    with Gateway(binary, tmp_path, {'dialect': 'image-v2', 'url': behind.url}, mounts=MOUNTS, locations={
            'private': True, 'ports': []}) as gateway:
        (through,) = run(REQUESTS, side(behind, gateway.url, words))
    settle(DIFFERS, differences(REQUESTS, direct[0], through, exact=False), [each.name for each in REQUESTS])
