"""Python 2: reads calls of kamaki's ImageClient from standard input, one JSON object a line, writes results."""
import json
import sys
import traceback

from kamaki.clients import ClientError
from kamaki.clients.image import ImageClient


def perform(call):
    client = ImageClient(call['endpoint'], call['token'])
    named = dict((str(key), value) for key, value in call['named'].items())
    try:
        result = getattr(client, call['method'])(*call['arguments'], **named)
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
