"""An S3 server for the tests: moto's implementation on a free port of the loopback interface.

Prints its port and serves until its standard input ends, so that it never outlives the test. It
answers one request at a time: moto checks `If-None-Match` before it writes, and only thus is a
conditional write atomic, as it is in S3.
"""

import logging
import os
import sys
import threading

from moto.server import DomainDispatcherApplication, create_backend_app
from werkzeug.serving import make_server


def end_with_the_test() -> None:
    sys.stdin.read()
    os._exit(0)


logging.getLogger("werkzeug").setLevel(logging.ERROR)
server = make_server("127.0.0.1", 0, DomainDispatcherApplication(create_backend_app), threaded=False)
print(server.port, flush=True)
threading.Thread(target=end_with_the_test, daemon=True).start()
server.serve_forever()
