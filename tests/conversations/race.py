"""Both sides of a race, at once."""

import threading

from django.db import connection

SECONDS = 20


def race(*functions):
    """Call the functions in threads that start together; returns what each gave: a value or an exception."""
    start = threading.Barrier(len(functions))
    results = [None] * len(functions)

    def run(at, function):
        try:
            start.wait(SECONDS)
            results[at] = function()
        except Exception as error:
            results[at] = error
        finally:
            connection.close()

    threads = [
        threading.Thread(target=run, args=(at, function)) for at, function in enumerate(functions)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(SECONDS)
        assert not thread.is_alive(), "a side of the race hangs"
    return results


def winners(results, *losses):
    """Return how many won; the others must have lost in one of the given ways."""
    lost = [result for result in results if isinstance(result, Exception)]
    assert all(isinstance(result, losses) for result in lost), lost
    return len(results) - len(lost)
