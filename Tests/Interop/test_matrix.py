"""One scenario for each group of operations, on all twenty pairs of client dialect and backend; the matrix is printed.

What a pair refuses, or cannot show, stands in REFUSED: anything else is a failure, and so is a refusal that does not come.
"""
import pytest

from harness.fronts import DATA, FRONTS, NotInDialect, Plankton, Refused
from harness.wire import eventually

BACKENDS = ['glance-2010', 'glance-v1', 'plankton', 'glance', 'embedded']


class Differs(Exception):
    """Done, but seen otherwise than asked for: the word stands in the table."""


class Scenario:
    """An image of one front, and what is done with it; each method is one group."""

    def __init__(self, front, other, backend):
        self.front, self.other, self.backend = front, other, backend
        self.image = None
        self.name = f'matrix {front.name}'

    def location(self, name='matrix'):
        """A file that can be registered, in the caller's own account."""
        account = self.front.user.name
        if self.backend.objects:
            path = self.backend.objects / account / 'images' / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(DATA)
        return f'pithos://{account}/images/{name}'

    def create(self):
        fields = {'property:os': 'debian'}
        if not self.front.takes_data:
            fields['location'] = self.location()
        try:
            self.image = self.front.create(self.name, **fields)
        except Refused:
            # The groups behind this one need an image all the same.
            plankton = Plankton(self.front.gateway, self.front.user)
            self.image = plankton.create(self.name, location=self.location('other'), **fields)
            raise

    def show(self):
        seen = self.front.show(self.image)
        assert seen['name'] == self.name and str(seen['id']) == self.image and seen['properties']['os'] == 'debian', seen
        assert str(seen['size']) == str(len(DATA)) or seen['size'] in (None, '0', 0), seen

    def list(self):
        for detail in (False, True):
            if self.image not in [str(each['id']) for each in self.front.list(detail)]:
                raise Differs('absent')

    def filter(self):
        found = [str(each['id']) for each in self.front.filtered(self.name)]
        if found != [self.image]:
            raise Differs('absent')

    def download(self):
        assert self.front.download(self.image) == DATA

    def range(self):
        assert self.front.range(self.image) == DATA[2:5]

    def reserve(self):
        image = self.front.reserve('matrix reserved')
        try:
            self.front.upload(image)
            if hasattr(self.front, 'download'):
                assert self.front.download(image) == DATA
        finally:
            self.front.delete(image)

    def update(self):
        self.name += ' renamed'
        self.front.update(self.image, name=self.name, **{'property:os': 'ubuntu', 'property:arch': 'amd64'})
        seen = self.front.show(self.image)
        assert seen['name'] == self.name, seen
        assert seen['properties'] == {'os': 'ubuntu', 'arch': 'amd64'}, seen

    def purge(self):
        self.front.purge(self.image, **{'property:arch': 'amd64'})
        assert self.front.show(self.image)['properties'] == {'arch': 'amd64'}

    def members(self):
        member = self.other.user.name
        self.front.add_member(self.image, member)
        assert self.front.members(self.image) == [member]
        assert self.other.show(self.image)['name'] == self.name
        shared = {'plankton': self.front.user.name}.get(self.front.name, member)
        assert eventually(lambda: self.image in [str(each) for each in self.other.shared(shared)], 3)
        self.front.remove_member(self.image, member)
        assert self.front.members(self.image) == []

    def status(self):
        member = self.other.user.name
        if self.front.name != 'image-v2':
            raise NotInDialect
        self.front.add_member(self.image, member)
        try:
            self.other.set_member_status(self.image, member, 'accepted')
            assert self.image in [each['id'] for each in self.other.list()]
            self.other.set_member_status(self.image, member, 'rejected')
            assert self.image not in [each['id'] for each in self.other.list()]
        finally:
            self.front.remove_member(self.image, member)

    def tags(self):
        self.front.tag(self.image, 'first')
        self.front.tag(self.image, 'second')
        assert sorted(self.front.show(self.image)['tags']) == ['first', 'second']
        found = [each['id'] for each in self.front.list(query='?tag=first&tag=second')]
        self.front.untag(self.image, 'first')
        assert self.front.show(self.image)['tags'] == ['second']
        if found != [self.image]:
            raise Differs('absent')

    def deactivate(self):
        self.front.deactivate(self.image)
        assert self.front.show(self.image)['status'] == 'deactivated'
        with pytest.raises(Refused) as refused:
            self.front.download(self.image)
        assert refused.value.status == 403
        self.front.reactivate(self.image)
        assert self.front.show(self.image)['status'] == 'active'

    def protect(self):
        self.front.protect(self.image, True)
        with pytest.raises(Refused) as refused:
            self.front.delete(self.image)
        assert refused.value.status == 403
        self.front.protect(self.image, False)

    def publish(self):
        self.front.publish(self.image)
        assert self.other.show(self.image)['name'] == self.name

    def unknown(self):
        with pytest.raises(Refused) as refused:
            self.front.show('99999999-9999-4999-8999-999999999999')
        assert refused.value.status == 404

    def delete(self):
        self.front.delete(self.image)
        with pytest.raises(Refused) as refused:
            self.front.show(self.image)
        assert refused.value.status == 404


GROUPS = ['create', 'show', 'list', 'filter', 'download', 'range', 'reserve', 'update', 'purge', 'members', 'status', 'tags',
          'deactivate', 'protect', 'publish', 'unknown', 'delete']

# Private images are in no list of 2010: neither of its clients, nor of its registries (glance-2010 §2).
PUBLIC_ONLY = {'list': 'absent'}
# Release 15 and 33 let administrators publish only.
NOT_PUBLISHED = {'publish': 403}
# No data goes into a Plankton registry, and none comes out of it (mapping §6.4).
NO_DATA = {'download': 400, 'reserve': 403}

# (client dialect, backend) -> group -> the status it is refused with, or the word for how it differs.
REFUSED = {
    ('glance-2010', 'glance-2010'): PUBLIC_ONLY,
    ('glance-v1', 'glance-2010'): {**PUBLIC_ONLY, 'filter': 'absent', 'members': 404},
    ('plankton', 'glance-2010'): {**PUBLIC_ONLY, 'filter': 'absent', 'members': 405},
    ('image-v2', 'glance-2010'): {
        **PUBLIC_ONLY, 'filter': 'absent', 'tags': 'absent', 'members': 403, 'status': 403, 'deactivate': 403},
    ('glance-2010', 'glance-v1'): {**PUBLIC_ONLY, **NOT_PUBLISHED},
    ('glance-v1', 'glance-v1'): NOT_PUBLISHED,
    ('plankton', 'glance-v1'): {'publish': 405},
    # All members have accepted there (mapping §3.9).
    ('image-v2', 'glance-v1'): {**NOT_PUBLISHED, 'status': 403, 'deactivate': 403},
    ('glance-2010', 'plankton'): {**PUBLIC_ONLY, **NO_DATA, 'create': 400},
    ('glance-v1', 'plankton'): {**NO_DATA, 'create': 400},
    ('image-v2', 'plankton'): {**NO_DATA, 'create': 403, 'range': 400, 'status': 403, 'deactivate': 403},
    ('glance-2010', 'glance'): {**PUBLIC_ONLY, **NOT_PUBLISHED},
    ('glance-v1', 'glance'): NOT_PUBLISHED,
    ('plankton', 'glance'): {'publish': 405},
    ('image-v2', 'glance'): NOT_PUBLISHED,
    ('glance-2010', 'embedded'): PUBLIC_ONLY,
}

_rows = {}


@pytest.mark.parametrize('front', FRONTS, ids=lambda each: each.name)
def test_pair(front, backend, v2_gateway, user):
    scenario = Scenario(front(v2_gateway, user()), front(v2_gateway, user('bob')), backend)
    results = {}
    for group in GROUPS:
        try:
            getattr(scenario, group)()
            results[group] = 'ok'
        except NotInDialect:
            results[group] = '-'
        except Refused as refused:
            results[group] = refused.status
        except Differs as differs:
            results[group] = str(differs)
    _rows[front.name, backend.kind] = results
    found = {group: result for group, result in results.items() if result not in ('ok', '-')}
    assert found == REFUSED.get((front.name, backend.kind), {})


def test_matrix(capsys):
    """Prints what was found; runs last."""
    if not _rows:
        pytest.fail('no pair has run')
    with capsys.disabled():
        width = max(len(f'{front} -> {backend}') for front, backend in _rows)
        print('\n' + ' ' * width, ' '.join(f'{group:>10}' for group in GROUPS))
        for (front, backend), results in sorted(_rows.items()):
            print(f'{front} -> {backend}'.ljust(width), ' '.join(f'{results[group]!s:>10}' for group in GROUPS))
