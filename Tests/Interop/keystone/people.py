"""Makes sure that a bootstrapped Keystone has the projects, users and catalog that start.sh promises: people.py URL."""
import json
import sys
import urllib.request

DEFAULT = 'default'
PEOPLE = [
    # user, project, role
    ('baleen', 'service', 'service'),
    ('alice', 'alpha', 'member'),
    ('bob', 'beta', 'member'),
]


class Keystone:
    """Its v3 interface, called as the administrator."""

    def __init__(self, url):
        self.url, self.token = url, None
        self.opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
        user = {'name': 'admin', 'domain': {'id': DEFAULT}, 'password': 'admin-password'}
        with self.send('POST', '/auth/tokens', {'auth': {
            'identity': {'methods': ['password'], 'password': {'user': user}},
            'scope': {'project': {'name': 'admin', 'domain': {'id': DEFAULT}}},
        }}) as answer:
            self.token = answer.headers['X-Subject-Token']

    def send(self, method, path, body=None):
        headers = {'Content-Type': 'application/json', **({'X-Auth-Token': self.token} if self.token else {})}
        data = None if body is None else json.dumps(body).encode()
        return self.opener.open(urllib.request.Request(self.url + path, data, headers, method=method), timeout=30)

    def call(self, method, path, body=None):
        with self.send(method, path, body) as answer:
            return json.loads(answer.read() or b'null')

    def ensured(self, kind, query, **attributes):
        """The id of what the query finds, made with these attributes where it finds nothing."""
        found = self.call('GET', f'/{kind}s?{query}')[f'{kind}s']
        return (found[0] if found else self.call('POST', f'/{kind}s', {kind: attributes})[kind])['id']


def main(url):
    keystone = Keystone(url)
    for user, project, role in PEOPLE:
        project_id = keystone.ensured('project', f'name={project}&domain_id={DEFAULT}', name=project, domain_id=DEFAULT)
        user_id = keystone.ensured(
            'user', f'name={user}&domain_id={DEFAULT}', name=user, domain_id=DEFAULT, password=f'{user}-password')
        (found,) = keystone.call('GET', f'/roles?name={role}')['roles']
        keystone.call('PUT', f'/projects/{project_id}/users/{user_id}/roles/{found["id"]}')
    service = keystone.ensured('service', 'type=identity', type='identity', name='keystone')
    region = keystone.ensured('region', '', id='RegionOne')
    for interface in ('public', 'internal', 'admin'):
        endpoint = keystone.ensured(
            'endpoint', f'service_id={service}&interface={interface}', service_id=service, interface=interface,
            region_id=region, url=url)
        keystone.call('PATCH', f'/endpoints/{endpoint}', {'endpoint': {'url': url}})


main(sys.argv[1])
