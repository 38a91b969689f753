"""kill -9 of the gateway at random moments of uploads to the embedded registry: nothing acknowledged is lost, nothing
half is listed."""
import hashlib
import random
import threading
import time

from harness.processes import Gateway
from harness.uploads import V1, images_of
from harness.wire import call

KILLS = 50
UPLOADERS = 3
LONGEST_LIFE = 0.35
LARGEST = 400_000


class Uploader(threading.Thread):
    """Uploads, renames and deletes until the gateway is gone; `promised` is what it was told is done."""

    def __init__(self, gateway, user, seed):
        super().__init__(daemon=True)
        self.gateway, self.user, self.random = gateway, user, random.Random(seed)
        self.promised, self.begun, self.deleted, self.renamed = {}, set(), set(), {}

    def run(self):
        try:
            while True:
                self.upload()
        except OSError:
            pass
        except Exception as error:  # http.client's own; a wrong status is an AssertionError and must be seen
            self.failure = error

    failure = None

    def request(self, method, path, headers, body=None, status=200):
        answer = call(method, f'{self.gateway.url}/v1/images{path}', {**self.user.auth, **headers}, body, timeout=10)
        assert answer.status == status, answer
        return answer

    def upload(self):
        name = f'{self.random.getrandbits(64):016x}'
        data = self.random.randbytes(self.random.randrange(LARGEST))
        self.begun.add(name)
        made = self.request('POST', '', {**V1, 'x-image-meta-name': name}, data, 201).json['image']
        self.promised[made['id']] = (name, hashlib.md5(data).hexdigest(), len(data))
        chance = self.random.random()
        if chance < 0.3:
            self.renamed[made['id']] = name + '-renamed'
            self.request('PUT', f'/{made["id"]}', {'x-image-meta-name': name + '-renamed'})
            self.promised[made['id']] = (name + '-renamed', *self.promised[made['id']][1:])
        elif chance < 0.5:
            self.deleted.add(made['id'])
            self.request('DELETE', f'/{made["id"]}', {})
            del self.promised[made['id']]


def check(gateway, user, promised, deleted, renamed):
    """What is listed after the restart is whole, and all that was promised is listed."""
    listed = {image['id']: image for image in images_of(gateway.url, user)}
    for number, (name, checksum, size) in promised.items():
        if number in deleted and number not in listed:
            continue  # its deletion was under way, and may have been done
        assert number in listed, f'{name} was acknowledged and is lost'
        seen = listed[number]
        assert seen['name'] in (name, renamed.get(number)), (seen, name)
        assert (seen['status'], seen['checksum'], seen['size']) == ('active', checksum, size)
    for number, image in listed.items():
        assert image['status'] == 'active', f'half an image is listed: {image}'
        data = call('GET', f'{gateway.url}/v1/images/{number}', user.auth).body
        assert (len(data), hashlib.md5(data).hexdigest()) == (image['size'], image['checksum'])
    for number in set(deleted) - set(promised):
        assert number not in listed, 'a deleted image is back'


def test_fifty_kills_lose_nothing(binary, tmp_path, embedded_backend, user):
    dice = random.Random(20130329)
    survivors = 0
    for round_number in range(KILLS):
        owner = user(f'round{round_number}x')
        gateway = Gateway(binary, tmp_path / 'gateway', embedded_backend.configuration).start()
        uploaders = [Uploader(gateway, owner, dice.random()) for _ in range(UPLOADERS)]
        for each in uploaders:
            each.start()
        time.sleep(dice.random() * LONGEST_LIFE)
        gateway.kill()
        for each in uploaders:
            each.join(20)
            assert not each.is_alive()
            assert not isinstance(each.failure, AssertionError), each.failure
        with Gateway(binary, tmp_path / 'gateway', embedded_backend.configuration) as again:
            promised = {key: value for each in uploaders for key, value in each.promised.items()}
            deleted = {number for each in uploaders for number in each.deleted}
            renamed = {key: value for each in uploaders for key, value in each.renamed.items()}
            check(again, owner, promised, deleted, renamed)
            survivors += len(promised)
    assert survivors > KILLS, 'the gateway was killed before it could promise anything'
