"""Times one runtime's networks on request, for `ernscope bench --compare`.

    peers.py build                  makes the networks' files
    peers.py serve RUNTIME THREADS  says in a line which networks it has, then answers lines

Lines are JSON: `{"runtime":"…","networks":["resnet18",…]}` first, or with an `error` in place of the networks; then to every
`{"network":"resnet18","frames":3}` an answer `{"ms":[…]}`. What runtimes print goes to stderr.
"""

import json
import os
import sys
import time
from importlib.metadata import version
from pathlib import Path

import numpy as np

import models

FOLDER = Path(os.environ["ERNSCOPE_PEERS"]) / "models"


class OpenVino:
    """Quantized by its own tool, nncf. The first layer's time is what the runtime's own profile tells."""

    networks = ["resnet18", "resnet50", "mobilenetv2", "first_layer"]

    def __init__(self, threads):
        import openvino

        limited = "ONEDNN_MAX_CPU_ISA" in os.environ
        self.name = f"OpenVINO {version('openvino')}" + (" without AMX" if limited else "")
        self.core = openvino.Core()
        self.options = {"INFERENCE_NUM_THREADS": threads, "NUM_STREAMS": 1, "ENABLE_CPU_PINNING": False}

    def load(self, network):
        if network == "first_layer":
            # Else it would compute with 16 bits where the processor can.
            options = self.options | {"INFERENCE_PRECISION_HINT": "f32", "PERF_COUNT": True}
            path = FOLDER / f"{network}.onnx"
        else:
            options, path = self.options, FOLDER / f"{network}.openvino.xml"
        request = self.core.compile_model(path, "CPU", options).create_infer_request()
        request.get_input_tensor().data[:] = models.picture()

        def run():
            start = time.perf_counter()
            request.infer()
            return time.perf_counter() - start

        runs, total = 0, 0.0

        def run_profiled():
            nonlocal runs, total
            request.infer()
            runs, before = runs + 1, total
            # The convolution and the reading of its input; the profile tells averages over all runs so far.
            nodes = [node for node in request.get_profiling_info() if models.FIRST_CONV in node.node_name]
            total = runs * sum(node.real_time.total_seconds() for node in nodes)
            return total - before

        return run_profiled if network == "first_layer" else run


class OnnxRuntime:
    networks = ["resnet18", "resnet50", "mobilenetv2"]

    def __init__(self, threads):
        import onnxruntime

        self.name = f"ONNX Runtime {version('onnxruntime')}"
        self.onnxruntime = onnxruntime
        self.options = onnxruntime.SessionOptions()
        self.options.intra_op_num_threads = threads

    def load(self, network):
        session = self.onnxruntime.InferenceSession(
            FOLDER / f"{network}.int8.onnx", self.options, providers=["CPUExecutionProvider"]
        )
        feed = {session.get_inputs()[0].name: models.picture()}

        def run():
            start = time.perf_counter()
            session.run(None, feed)
            return time.perf_counter() - start

        return run


class LiteRt:
    networks = ["resnet18", "resnet50", "mobilenetv2"]

    def __init__(self, threads):
        from ai_edge_litert.interpreter import Interpreter

        self.name = f"LiteRT {version('ai-edge-litert')}"
        self.interpreter, self.threads = Interpreter, threads

    def load(self, network):
        interpreter = self.interpreter(str(FOLDER / f"{network}.tflite"), num_threads=self.threads)
        interpreter.allocate_tensors()
        picture = interpreter.get_input_details()[0]
        interpreter.set_tensor(picture["index"], models.bytes_picture())

        def run():
            start = time.perf_counter()
            interpreter.invoke()
            return time.perf_counter() - start

        return run


class Tract:
    """Has no threads of its own. Its networks are ONNX Runtime's."""

    networks = ["resnet18", "resnet50", "mobilenetv2"]

    def __init__(self, _threads):
        import tract

        self.name = f"tract {version('tract')}"
        self.onnx = tract.onnx()

    def load(self, network):
        runnable = self.onnx.load(FOLDER / f"{network}.int8.onnx").into_model().into_runnable()
        picture = models.picture()

        def run():
            start = time.perf_counter()
            runnable.run([picture])
            return time.perf_counter() - start

        return run


RUNTIMES = {"openvino": OpenVino, "onnxruntime": OnnxRuntime, "litert": LiteRt, "tract": Tract}


def serve(name, threads):
    # What the runtimes print must not come between the answers.
    answers = os.fdopen(os.dup(1), "w", buffering=1)
    os.dup2(2, 1)

    def say(answer):
        print(json.dumps(answer), file=answers)

    try:
        runtime = RUNTIMES[name](threads)
        networks = {network: runtime.load(network) for network in runtime.networks}
    except Exception as error:  # whatever a runtime throws is a reason to be told
        reason = " ".join(f"{type(error).__name__}: {error}".split())
        say({"runtime": name, "error": reason[:300]})
        return
    say({"runtime": runtime.name, "networks": list(networks)})
    for line in sys.stdin:
        wanted = json.loads(line)
        run = networks[wanted["network"]]
        run()
        say({"ms": [1e3 * run() for _ in range(wanted["frames"])]})


if __name__ == "__main__":
    if sys.argv[1] == "build":
        models.build_all(FOLDER)
    else:
        serve(sys.argv[2], int(sys.argv[3]))
