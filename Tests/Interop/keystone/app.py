"""The WSGI application that start.sh hosts: keystone's own, with SQLite made fit for several threads.

Keystone reads a row and later writes it in one transaction. With SQLite, two such transactions at once mean "database
is locked" at once, however long one would wait. So every transaction asks for the write lock at its beginning.
"""
import sys

from sqlalchemy import event
from sqlalchemy.engine import Engine


@event.listens_for(Engine, 'connect')
def _on_connect(connection, _record):
    for pragma in ('journal_mode=WAL', 'synchronous=OFF', 'busy_timeout=30000', 'foreign_keys=ON'):
        connection.execute('PRAGMA ' + pragma).close()


@event.listens_for(Engine, 'before_cursor_execute', retval=True)
def _on_execute(_connection, _cursor, statement, parameters, _context, _many):
    return ('BEGIN IMMEDIATE' if statement == 'BEGIN' else statement), parameters


# Keystone would read gunicorn's arguments as its own.
sys.argv = sys.argv[:1]
from keystone.wsgi.api import application  # noqa: E402,F401
