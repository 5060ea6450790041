"""The protocol's channel by itself: what arrives in pieces, what is no message, and a client that has gone."""

import io

import pytest

from autodiff.debugger.protocol import Channel


def received(stream):
    complaints = []
    return list(Channel(io.BytesIO(stream), io.BytesIO()).messages(complaints.append)), complaints


def test_empty_lines_between_messages_are_passed_over_and_a_message_cut_short_is_none():
    message = b'Content-Length: 9\r\n\r\n{"a": 12}'
    assert received(b"\r\n\r\n" + message + b"\r\n" + message) == ([{"a": 12}] * 2, [])
    assert received(message + message[:-1]) == ([{"a": 12}], [])


def test_a_length_beyond_all_measure_is_passed_over():
    found, (complaint,) = received(b"Content-Length: 999999999999999\r\n\r\n")
    assert found == []
    assert "without a usable Content-Length" in complaint


@pytest.mark.parametrize("error", [BrokenPipeError, ValueError("I/O operation on closed file")])
def test_where_nobody_listens_any_more_nothing_happens(error):
    class Gone(io.BytesIO):
        def write(self, data):
            raise error

    channel = Channel(io.BytesIO(), Gone())
    channel.send({"type": "event"})
    assert channel.sent == 1
