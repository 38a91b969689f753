"""An Astakos and a Pithos+ with users, and gateways that ask them."""
import hashlib
import uuid

from .astakos import Astakos
from .pithos import Pithos
from .processes import Gateway
from .wire import call, eventually

# Small, so that objects of some size have many blocks.
BLOCK = 64 << 10


def sha256(data):
    return hashlib.sha256(data).hexdigest()


class Cloud:
    """Both services on loopback, until the block ends."""

    def __init__(self, release='0.17'):
        self.astakos = Astakos(release)
        self.pithos = Pithos(self.astakos, block_size=BLOCK)

    def __enter__(self):
        self.astakos.up()
        self.pithos.up()
        return self

    def __exit__(self, *reason):
        self.pithos.__exit__(*reason)
        self.astakos.__exit__(*reason)

    def user(self, name='alice'):
        """Somebody whose token the stand-in before a real Glance understands, too, with the same id for user and tenant."""
        identity = str(uuid.uuid4())
        return self.astakos.add(name, token=f'{identity}.{identity}.member', identity=identity)

    @property
    def identity(self):
        return {'kind': 'astakos', 'url': self.astakos.identity, 'version': '0.15'}

    def gateway(self, binary, folder, backend, mode='reference', background=None, token_file=None, **settings):
        """A gateway whose backend takes data of this store."""
        pithos = {'url': self.pithos.endpoint, **({'tokenFile': str(token_file)} if token_file else {})}
        keys = {'pithos': pithos, 'locationMode': mode}
        if background is not None:
            keys['import'] = {'background': background}
        return Gateway(binary, folder, {**backend, **keys}, **{'identity': self.identity, **settings})

    def offer(self, gateway):
        """Puts the services into the catalog, where clients find them."""
        self.astakos.endpoints |= {
            'image': ('cyclades_plankton', 'v1.0', f'{gateway.url}/image/v1.0'),
            'object-store': ('pithos_object-store', 'v1', self.pithos.endpoint)}

    def assert_discreet(self, gateway, *bodies):
        """No token is in the gateway's log, in its metrics or in these answers."""
        metrics = call('GET', f'http://127.0.0.1:{gateway.admin_port}/metrics')
        assert metrics.status == 200
        assert eventually(lambda: gateway.log), 'there is no log to look into'
        texts = {'log': gateway.log, 'metrics': metrics.body.decode()}
        texts |= {f'answer {number}': str(body) for number, body in enumerate(bodies)}
        found = [where for where, text in texts.items() for token in self.astakos.tokens if token in text]
        assert not found, f'tokens are in {sorted(set(found))}'


class PlanktonUser:
    """Somebody's Plankton calls through a gateway, on the wire."""

    def __init__(self, gateway, user):
        self.gateway, self.user = gateway, user

    def register(self, location, **meta):
        headers = {f'X-Image-Meta-{name.replace("_", "-")}': value for name, value in meta.items()}
        return call('POST', f'{self.gateway.url}/image/v1.0/images/', {
            **self.user.auth, 'X-Image-Meta-Name': 'disk', 'X-Image-Meta-Location': location, 'Content-Length': 0,
            **headers})

    def show(self, number):
        return call('HEAD', f'{self.gateway.url}/image/v1.0/images/{number}', self.user.auth)

    def data(self, number, **headers):
        """What a v2 client downloads."""
        return call('GET', f'{self.gateway.url}/v2/images/{number}/file', {**self.user.auth, **headers})

    def images(self):
        """Every image of the user, in whatever state, as v2 lists them."""
        answer = call('GET', f'{self.gateway.url}/v2/images?limit=1000&owner={self.user.uuid}', self.user.auth)
        assert answer.status == 200, answer
        return answer.json['images']
