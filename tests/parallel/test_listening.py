"""A cluster on this host accepts connections from this host only, and its messages are signed."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

pytestmark = [pytest.mark.ranks, pytest.mark.skipif(sys.platform != "linux", reason="sockets are listed in /proc")]
_LISTEN = "0A"  # state of a listening socket in /proc/net/tcp
_LOOPBACK, _ANY = "0100007F", "00000000"  # 127.0.0.1 and 0.0.0.0, as /proc/net/tcp writes them


def sockets_of(pid):
    return {str(entry.readlink()) for entry in Path(f"/proc/{pid}/fd").iterdir() if entry.is_symlink()}


def listening(pid, inherited=frozenset()):
    """Return the IPv4 addresses on which a process listens, without sockets that it inherited."""
    rows = [line.split() for line in Path("/proc/net/tcp").read_text().splitlines()[1:]]
    own = sockets_of(pid) - inherited
    return [row[1].split(":")[0] for row in rows if row[3] == _LISTEN and f"socket:[{row[9]}]" in own]


def parent(pid):
    return int(Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[1])


def test_ranks_and_controller_listen_on_the_loopback(mpi_engines):
    mpi_engines.revive()

    def connect():
        from mpi4py import MPI

        return MPI.COMM_WORLD.allreduce(1)

    assert mpi_engines.client[:].apply_sync(connect) == [2, 2]
    controller = mpi_engines._cluster.controller.pid
    children = Path(f"/proc/{controller}/task/{controller}/children").read_text().split()
    for pid in [controller, *children]:
        assert set(listening(pid)) <= {_LOOPBACK}
    assert _LOOPBACK in {address for pid in [controller, *children] for address in listening(pid)}
    for pid in mpi_engines._pids.values():
        # the launcher of MPICH listens on all interfaces for its own processes, and its children inherit that socket
        assert set(listening(pid, sockets_of(parent(pid)))) == {_LOOPBACK}


def test_messages_are_signed(mpi_engines):
    mpi_engines.revive()
    session = mpi_engines.client.session
    assert session.key
    assert session.signature_scheme == "hmac-sha256"
    with pytest.raises(ValueError, match="Invalid Signature"):
        session.deserialize([b"0" * 64, b"{}", b"{}", b"{}", b"{}"])
