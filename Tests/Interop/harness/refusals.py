"""What a backend must refuse: a listed refusal that does not come is as wrong as one that is not listed."""
from contextlib import contextmanager

import pytest
from glanceclient import exc
from openstack import exceptions


class Refusals:
    """`may(operation)` runs its block, or expects the refusal that the table has for this backend."""

    def __init__(self, operations, table, kind):
        unknown = {name for refused in table.values() for name in refused} - set(operations)
        assert not unknown, f'no operations: {unknown}'
        self.operations, self.refused = operations, table.get(kind, {})

    @contextmanager
    def __call__(self, operation):
        assert operation in self.operations, f'{operation} is no operation'
        status = self.refused.get(operation)
        if status is None:
            yield
            return
        with pytest.raises((exc.HTTPException, exceptions.HttpException)) as caught:
            yield
        assert status_of(caught.value) == status, caught.value

    def refuses(self, operation):
        assert operation in self.operations, f'{operation} is no operation'
        return operation in self.refused


def status_of(error):
    """The status of the answer that made either client raise this."""
    return error.code if isinstance(error, exc.HTTPException) else error.status_code
