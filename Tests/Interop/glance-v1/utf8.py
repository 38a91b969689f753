"""Paste filter: header values are UTF-8, as on Python 2, on which Glance 15 ran.

On Python 3 WSGI hands them over as Latin-1, and this Glance, which does not know of that, would store `Ã¼` for `ü`.
"""


class UTF8:
    def __init__(self, app):
        self.app = app

    def __call__(self, env, start):
        for name, value in env.items():
            if name.startswith('HTTP_X_IMAGE_META_'):
                try:
                    env[name] = value.encode('latin-1').decode('utf-8')
                except UnicodeDecodeError:
                    pass  # Not UTF-8: left to Glance.

        def encoded(status, headers, *rest):
            return start(status, [(name, value.encode('utf-8').decode('latin-1')) for name, value in headers], *rest)

        return self.app(env, encoded)


def factory(global_conf, **local_conf):
    return UTF8
