"""A STUN server, so that browsers learn their NAT's address: `python -m tests.network.stun ADDRESS PORT`."""

import socket
import sys

from aioice import stun


def _main(host: str, port: str) -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as own:
        own.bind((host, int(port)))
        print("listening", flush=True)
        while True:
            datagram, source = own.recvfrom(2_048)
            request = stun.parse_message(datagram)
            answer = stun.Message(
                stun.Method.BINDING,
                stun.Class.RESPONSE,
                request.transaction_id,
                attributes={"XOR-MAPPED-ADDRESS": source},
            )
            own.sendto(bytes(answer), source)


if __name__ == "__main__":
    _main(*sys.argv[1:])
