"""Files that say which recorded expectations the gateway does not meet on purpose, and why."""


def deliberate(path):
    """Name -> reason. A paragraph is its reason, in lines that begin with #, and one name a line below it."""
    reasons, reason, fresh = {}, '', False
    for line in path.read_text().splitlines():
        if line.startswith('#'):
            reason = f'{reason} {line[1:].strip()}' if fresh else line[1:].strip()
            fresh = True
        elif line:
            assert line not in reasons, f'{line} is listed twice in {path}'
            assert reason, f'{line} has no reason in {path}'
            reasons[line], fresh = reason, False
    return reasons


def settle(path, different, known):
    """Fails unless exactly the listed names differ; `different` maps a name to what differs, `known` has all names."""
    reasons = deliberate(path)
    unexplained = {name: what for name, what in different.items() if name not in reasons}
    lines = '\n'.join(f'{name}: {what}' for name, what in unexplained.items())
    assert not unexplained, f'{len(unexplained)} of {len(known)} differ:\n{lines[:20000]}'
    stale = [name for name in reasons if name not in different]
    assert not stale, f'listed in {path.name}, but not different (any more): {stale}'
    print(f'{len(known)} cases, {len(reasons)} differ on purpose')
