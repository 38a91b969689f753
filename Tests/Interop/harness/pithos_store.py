"""What a Pithos+ keeps: accounts, containers, objects with versions, and the blocks that their data are made of."""
import hashlib
import itertools
import time
import uuid
from dataclasses import dataclass, field

DEFAULT_BLOCK_SIZE = 4 << 20


def leaf(block, algorithm='sha256'):
    """The hash of a block (astakos-pithos section 2.4)."""
    return hashlib.new(algorithm, block.rstrip(b'\0')).hexdigest()


def top_hash(leaves, algorithm='sha256'):
    """The hash of hashes, hex in and out (astakos-pithos section 2.4)."""
    level = [bytes.fromhex(each) for each in leaves] or [hashlib.new(algorithm).digest()]
    if len(level) == 1:
        return level[0].hex()
    size = 2
    while size < len(level):
        size *= 2
    level += [bytes(len(level[0]))] * (size - len(level))
    while len(level) > 1:
        pairs = zip(level[::2], level[1::2])
        level = [hashlib.new(algorithm, left + right).digest() for left, right in pairs]
    return level[0].hex()


def hash_of(data, block_size=DEFAULT_BLOCK_SIZE, algorithm='sha256'):
    """The hash that a store with these blocks gives data."""
    blocks = [data[start:start + block_size] for start in range(0, len(data), block_size)]
    return top_hash([leaf(block, algorithm) for block in blocks], algorithm)


@dataclass
class Version:
    number: int
    size: int
    leaves: list
    hash: str
    md5: str
    kind: str
    author: str
    extra: dict = field(default_factory=dict)
    manifest: str = None
    available: str = '1'
    stamp: float = field(default_factory=time.time)


@dataclass
class Stored:
    """An object: who may do what with it, and its versions, the present one last."""

    account: str
    container: str
    name: str
    uuid: str = field(default_factory=lambda: str(uuid.uuid4()))
    versions: list = field(default_factory=list)
    sharing: dict = field(default_factory=dict)

    @property
    def now(self):
        return self.versions[-1]

    def version(self, number):
        return next((each for each in self.versions if str(each.number) == number), None)

    def right_of(self, user):
        """What somebody may do: own, write, read or nothing."""
        if user == self.account:
            return 'own'
        for right in ('write', 'read'):
            if {user, '*'} & self.sharing.get(right, set()):
                return right
        return None

    def share(self, text):
        """Takes a permissions header (section 2.3); ValueError if it is malformed."""
        lists = {}
        for part in filter(None, text.replace(' ', '').lower().split(';')):
            right, equals, users = part.partition('=')
            if right not in ('read', 'write') or not equals or not users:
                raise ValueError(text)
            users = set(filter(None, users.split(',')))
            lists[right] = {'*'} if '*' in users else users
        if 'read' in lists:
            lists['read'] -= lists.get('write', set())
        self.sharing = {right: users for right, users in lists.items() if users}

    @property
    def sharing_text(self):
        return '; '.join(f'{right}={",".join(sorted(users))}' for right, users in sorted(self.sharing.items()))


class Store:
    """account -> container -> name -> object. Data are kept as blocks by hash, without the zeros at their ends."""

    def __init__(self, block_size=DEFAULT_BLOCK_SIZE, algorithm='sha256'):
        self.block_size, self.algorithm = block_size, algorithm
        self.accounts, self.blocks, self.quotas = {}, {}, {}
        self._numbers = itertools.count(1)

    def containers(self, account):
        return self.accounts.setdefault(account, {})

    def find(self, account, container, name):
        return self.accounts.get(account, {}).get(container, {}).get(name)

    def keep(self, data):
        """Keeps data as blocks; their hashes."""
        leaves = []
        for start in range(0, len(data), self.block_size):
            block = data[start:start + self.block_size]
            leaves.append(leaf(block, self.algorithm))
            self.blocks[leaves[-1]] = block.rstrip(b'\0')
        return leaves

    def fits(self, account, size):
        limit = self.quotas.get(account)
        return limit is None or self.used(account) + size <= limit

    def used(self, account):
        containers = self.accounts.get(account, {}).values()
        return sum(stored.now.size for objects in containers for stored in objects.values())

    def make(self, account, container, name, size, leaves, kind, author, **more):
        """A new version of an object, which is made if there is none: overwriting it keeps its id."""
        objects = self.containers(account)[container]
        stored = objects.get(name) or Stored(account, container, name)
        version = Version(
            next(self._numbers), size, leaves, top_hash(leaves, self.algorithm), '', kind, author, **more)
        version.md5 = hashlib.md5(self._joined(version)).hexdigest()
        stored.versions.append(version)
        objects[name] = stored
        return stored

    def data(self, stored, version=None):
        """The data of a version. A manifest's is the join of other objects, which size and ETag tell, and the hash does not."""
        version = version or stored.now
        if version.manifest is None:
            return self._joined(version)
        container, _, prefix = version.manifest.strip('/').partition('/')
        objects = self.accounts[stored.account].get(container, {})
        return b''.join(
            self._joined(each.now) for name, each in sorted(objects.items())
            if name.startswith(prefix) and each is not stored)

    def _joined(self, version):
        last = len(version.leaves) - 1
        return b''.join(
            self.blocks[each].ljust(self.block_size if at < last else version.size - last * self.block_size, b'\0')
            for at, each in enumerate(version.leaves))
