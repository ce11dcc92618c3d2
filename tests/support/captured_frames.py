"""The captured firehose frames, where they are; read with care for nothing but their lengths."""

import struct
from functools import cache

import pytest
import zstandard

from support.places import SHARED

CORPUS = SHARED / "jetstream-corpus"


needs_corpus = pytest.mark.skipif(not CORPUS.is_dir(), reason="the real captures are not here")


@cache
def captured_frames() -> list[bytes]:
    with (CORPUS / "frames.bin.zst").open("rb") as file:
        raw = zstandard.ZstdDecompressor().stream_reader(file).read()
    frames, at = [], 0
    while at < len(raw):
        (size,) = struct.unpack_from("<I", raw, at)
        frames.append(raw[at + 4 : at + 4 + size])
        at += 4 + size
    return frames
