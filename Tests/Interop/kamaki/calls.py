"""Python 2: reads calls of kamaki's clients from standard input, one JSON object a line, writes results."""
import json
import sys
import traceback

from kamaki.clients import ClientError
from kamaki.clients.astakos import AstakosClient
from kamaki.clients.image import ImageClient
from kamaki.clients.pithos import PithosClient


def client_of(call):
    where = (call['endpoint'], call['token'])
    if call['client'] == 'pithos':
        return PithosClient(*where, account=call['account'], container=call['container'])
    return {'image': ImageClient, 'astakos': AstakosClient}[call['client']](*where)


def result_of(call):
    method = getattr(client_of(call), call['method'])
    named = dict((str(key), value) for key, value in call['named'].items())
    if 'file' not in call:
        return method(*call['arguments'], **named)
    path, mode = call['file']
    with open(path, mode) as opened:
        return method(call['arguments'][0], opened, *call['arguments'][1:], **named)


def perform(call):
    try:
        result = result_of(call)
        if not isinstance(result, (dict, list)):
            result = dict(result) if hasattr(result, 'keys') else str(result)
        return {'result': result}
    except ClientError as error:
        return {'error': {'status': error.status, 'message': u'%s' % error.message, 'details': error.details or []}}
    except Exception:
        return {'error': {'status': None, 'message': traceback.format_exc(), 'details': []}}


while True:
    line = sys.stdin.readline()
    if not line:
        break
    sys.stdout.write(json.dumps(perform(json.loads(line)), default=str) + '\n')
    sys.stdout.flush()
