"""A list of 50,000 images crosses every pair of dialects in bounded memory."""
import json
import threading

import pytest

from conftest import ALL_DIALECTS
from harness.longlist import LongList, identity
from harness.processes import Gateway, memory
from harness.wire import call

MANY = 50_000
PAGE = 1000
MOST_MEMORY_MIB = 64


class Watch(threading.Thread):
    """The largest resident set of a process while the block runs, in MiB."""

    def __init__(self, pid):
        super().__init__(daemon=True)
        self.pid, self.peak, self.ended = pid, 0.0, threading.Event()

    def run(self):
        while not self.ended.wait(0.02):
            self.peak = max(self.peak, memory(self.pid))

    def __enter__(self):
        self.start()
        return self

    def __exit__(self, *_):
        self.ended.set()
        self.join()


def whole(gateway, path, auth):
    """The ids of a list that comes at once."""
    answer = call('GET', gateway.url + path, auth, timeout=200)
    assert answer.status == 200, answer
    entries = json.loads(answer.body)
    return [entry['id'] for entry in (entries if isinstance(entries, list) else entries['images'])]


def paged(gateway, path, auth):
    """The ids of a list that the client walks."""
    ids, marker = [], ''
    while True:
        page = whole(gateway, f'{path}limit={PAGE}{marker}', auth)
        if not page:
            return ids
        ids += page
        marker = f'&marker={page[-1]}'


WALKS = {
    'glance-2010': lambda gateway, auth: whole(gateway, '/2010/images/detail', auth),
    'glance-v1': lambda gateway, auth: paged(gateway, '/v1/images/detail?sort_key=id&sort_dir=asc&', auth),
    'plankton': lambda gateway, auth: whole(gateway, '/image/v1.0/images/detail?sort_key=id&sort_dir=asc', auth),
    'image-v2': lambda gateway, auth: paged(gateway, '/v2/images?sort_key=id&sort_dir=asc&', auth),
}
# A walk by pages over a registry without pages reads its whole list for each page: a long list, cut short here.
SHORT = 3000


@pytest.mark.parametrize('front', WALKS)
@pytest.mark.parametrize('dialect', LongList.FORMS)
def test_a_long_list_in_bounded_memory(binary, tmp_path, user, dialect, front):
    rereads = not LongList.FORMS[dialect][1] and WALKS[front].__code__.co_names[0] == 'paged'
    count = SHORT if rereads else MANY
    with LongList(dialect, count) as registry:
        backend = {'dialect': dialect, 'url': registry.url}
        with Gateway(binary, tmp_path, backend, mounts=ALL_DIALECTS) as gateway:
            with Watch(gateway.process.pid) as watch:
                ids = WALKS[front](gateway, user().auth)
    assert ids == [identity(number) for number in range(count)]
    print(f'{front} <- {dialect}: {count} images with {watch.peak:.1f} MiB resident')
    assert watch.peak < MOST_MEMORY_MIB
