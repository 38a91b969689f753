"""A list of 50,000 images crosses every pair of dialects in bounded memory."""
import json

import pytest

from conftest import ALL_DIALECTS
from harness.longlist import LongList, identity
from harness.processes import Gateway, Watch
from harness.wire import call

MANY = 50_000
PAGE = 1000
MOST_MEMORY_MIB = 64


def whole(gateway, path, auth, **_):
    """The ids of a list that comes at once."""
    answer = call('GET', gateway.url + path, auth, timeout=200)
    assert answer.status == 200, answer
    entries = json.loads(answer.body)
    return [entry['id'] for entry in (entries if isinstance(entries, list) else entries['images'])]


def paged(gateway, path, auth, pages):
    """The ids of a list that the client walks, or of its first pages."""
    ids, marker = [], ''
    while pages is None or len(ids) < pages * PAGE:
        page = whole(gateway, f'{path}limit={PAGE}{marker}', auth)
        if not page:
            return ids
        ids += page
        marker = f'&marker={page[-1]}'
    return ids


WALKS = {
    'glance-2010': lambda gateway, auth, **pages: whole(gateway, '/2010/images/detail', auth, **pages),
    'glance-v1': lambda gateway, auth, **pages: paged(gateway, '/v1/images/detail?', auth, **pages),
    'plankton': lambda gateway, auth, **pages: whole(gateway, '/image/v1.0/images/detail', auth, **pages),
    'image-v2': lambda gateway, auth, **pages: paged(gateway, '/v2/images?', auth, **pages),
}
OLDEST_FIRST = ['glance-2010', 'plankton']
# A walk by pages over a registry without pages reads its whole list for each page: few pages are enough.
FEW = 3


@pytest.mark.parametrize('front', WALKS)
@pytest.mark.parametrize('dialect', LongList.FORMS)
def test_a_long_list_in_bounded_memory(binary, tmp_path, user, dialect, front):
    pages = LongList.FORMS[dialect][1]
    with LongList(dialect, MANY) as registry:
        backend = {'dialect': dialect, 'url': registry.url}
        with Gateway(binary, tmp_path, backend, mounts=ALL_DIALECTS) as gateway:
            with Watch(gateway.process.pid) as watch:
                ids = WALKS[front](gateway, user().auth, pages=None if pages else FEW)
    wanted = [identity(number) for number in range(MANY)]
    if front in OLDEST_FIRST:
        wanted.reverse()
    assert ids == wanted[:len(ids)]
    assert len(ids) == MANY or (not pages and len(ids) == FEW * PAGE)
    print(f'{front} <- {dialect}: {len(ids)} images with {watch.peak:.1f} MiB resident')
    assert watch.peak < MOST_MEMORY_MIB
