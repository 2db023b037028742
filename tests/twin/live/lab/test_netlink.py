"""What the kernel of this machine tells of its interfaces and routes."""

import socket
from concurrent.futures import ThreadPoolExecutor

from twin.live.lab.netlink import Kernel


def test_interfaces_are_those_that_the_standard_library_finds():
    kernel = Kernel()
    assert {(x.number, x.name) for x in kernel.interfaces()} == set(socket.if_nameindex())
    kernel.close()


def test_threads_that_ask_at_once_each_get_the_whole_answer_to_their_own_question():
    kernel = Kernel()
    named, routes = [x.name for x in kernel.interfaces()], kernel.routes()
    with ThreadPoolExecutor(8) as threads:
        asked = [(threads.submit(kernel.interfaces), threads.submit(kernel.routes)) for _ in range(200)]
        assert all([x.name for x in told.result()] == named and found.result() == routes for told, found in asked)
    kernel.close()
