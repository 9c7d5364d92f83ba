"""The networks that a user would run instead, of their usual shapes, with random weights: they take the time of trained ones.

An architecture is written once and told to a builder; batch norms are folded into the convolutions, as every runtime does.
"""

import sys

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

EDGE = 256
CLASSES = 1000
# What the builder calls the first convolution.
FIRST_CONV = "conv0"


def resnet18(net):
    x = net.max_pool(net.conv(net.image, 64, kernel=7, stride=2, act="relu"))
    for stage, width in enumerate([64, 128, 256, 512]):
        for block in range(2):
            stride = 2 if stage > 0 and block == 0 else 1
            y = net.conv(x, width, kernel=3, stride=stride, act="relu")
            y = net.conv(y, width, kernel=3, gain=0.5)
            if stride != 1:
                x = net.conv(x, width, kernel=1, stride=stride)
            x = net.add(y, x, act="relu")
    return net.classify(x)


def resnet50(net):
    x = net.max_pool(net.conv(net.image, 64, kernel=7, stride=2, act="relu"))
    for stage, blocks in enumerate([3, 4, 6, 3]):
        width = 64 << stage
        for block in range(blocks):
            stride = 2 if stage > 0 and block == 0 else 1
            y = net.conv(x, width, kernel=1, act="relu")
            y = net.conv(y, width, kernel=3, stride=stride, act="relu")
            y = net.conv(y, 4 * width, kernel=1, gain=0.5)
            if block == 0:
                x = net.conv(x, 4 * width, kernel=1, stride=stride)
            x = net.add(y, x, act="relu")
    return net.classify(x)


def mobilenetv2(net):
    x = net.conv(net.image, 32, kernel=3, stride=2, act="relu6")
    stages = [(1, 16, 1, 1), (6, 24, 2, 2), (6, 32, 3, 2), (6, 64, 4, 2), (6, 96, 3, 1), (6, 160, 3, 2), (6, 320, 1, 1)]
    for expand, width, blocks, first_stride in stages:
        for block in range(blocks):
            stride = first_stride if block == 0 else 1
            inner = expand * net.channels(x)
            y = net.conv(x, inner, kernel=1, act="relu6") if expand > 1 else x
            y = net.conv(y, inner, kernel=3, stride=stride, groups=inner, act="relu6")
            y = net.conv(y, width, kernel=1)
            x = net.add(x, y) if stride == 1 and net.channels(x) == width else y
    return net.classify(net.conv(x, 1280, kernel=1, act="relu6"))


def first_layer(net):
    """The float first layer of ERNs18's twin, and a convolution of a channel, so that no one has to write its output out."""
    return net.conv(net.conv(net.image, 64, kernel=3, stride=2, act="relu"), 1, kernel=1)


ARCHITECTURES = {
    "resnet18": resnet18,
    "resnet50": resnet50,
    "mobilenetv2": mobilenetv2,
    "first_layer": first_layer,
}


class Onnx:
    """Builds an ONNX model; a value is its name."""

    image = "image"

    def __init__(self):
        self.random = np.random.default_rng(1)
        self.nodes, self.constants, self.widths = [], [], {self.image: 3}

    def channels(self, x):
        return self.widths[x]

    def node(self, op, inputs, channels, **attributes):
        name = f"{op.lower()}{len(self.nodes)}"
        self.nodes.append(helper.make_node(op, inputs, [name], name=name, **attributes))
        self.widths[name] = channels
        return name

    def constant(self, values):
        name = f"constant{len(self.constants)}"
        self.constants.append(numpy_helper.from_array(np.asarray(values, np.float32), name))
        return name

    def weights(self, shape, gain=1.0):
        """As large as keeps the values of layer after layer about as large as they were."""
        return self.constant(self.random.normal(0, gain * np.sqrt(2 / np.prod(shape[1:])), shape))

    def activate(self, x, act):
        if act == "relu":
            return self.node("Relu", [x], self.widths[x])
        if act == "relu6":
            return self.node("Clip", [x, self.constant(0), self.constant(6)], self.widths[x])
        return x

    def conv(self, x, out, kernel, stride=1, groups=1, act=None, gain=1.0):
        weights = self.weights((out, self.widths[x] // groups, kernel, kernel), gain)
        bias = self.constant(self.random.normal(0, 0.1, out))
        options = {"strides": [stride] * 2, "pads": [kernel // 2] * 4, "kernel_shape": [kernel] * 2, "group": groups}
        return self.activate(self.node("Conv", [x, weights, bias], out, **options), act)

    def add(self, x, y, act=None):
        return self.activate(self.node("Add", [x, y], self.widths[x]), act)

    def max_pool(self, x):
        return self.node("MaxPool", [x], self.widths[x], kernel_shape=[3, 3], strides=[2, 2], pads=[1] * 4)

    def classify(self, x):
        flat = self.node("Flatten", [self.node("GlobalAveragePool", [x], self.widths[x])], self.widths[x])
        bias = self.constant(np.zeros(CLASSES))
        return self.node("Gemm", [flat, self.weights((CLASSES, self.widths[x])), bias], CLASSES, transB=1)

    def model(self, output):
        value = helper.make_tensor_value_info
        graph = helper.make_graph(
            self.nodes,
            "peer",
            [value(self.image, TensorProto.FLOAT, [1, 3, EDGE, EDGE])],
            [value(output, TensorProto.FLOAT, None)],
            self.constants,
        )
        model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=9)
        model = onnx.shape_inference.infer_shapes(model)
        onnx.checker.check_model(model)
        return model


def picture(seed=0):
    """Like a normalised picture."""
    return np.random.default_rng(seed).normal(0, 1, (1, 3, EDGE, EDGE)).astype(np.float32)


def bytes_picture():
    """The same in 8 bits and LiteRT's layout."""
    return np.random.default_rng(0).integers(-128, 128, (1, EDGE, EDGE, 3), np.int8)


def calibration():
    return [picture(seed) for seed in range(1, 9)]


def quantize_for_openvino(source, target):
    import nncf
    import openvino

    model = openvino.Core().read_model(source)
    quantized = nncf.quantize(model, nncf.Dataset(calibration()), subset_size=8)
    openvino.save_model(quantized, target, compress_to_fp16=False)


def quantize_for_onnxruntime(source, target):
    from onnxruntime.quantization import CalibrationDataReader, QuantType, quantize_static

    class Pictures(CalibrationDataReader):
        def __init__(self):
            self.pictures = iter(calibration())

        def get_next(self):
            picture = next(self.pictures, None)
            return None if picture is None else {Onnx.image: picture}

    quantize_static(
        source, target, Pictures(), per_channel=True, activation_type=QuantType.QUInt8, weight_type=QuantType.QInt8
    )


def quantize_for_rten(source, target):
    """rten multiplies in 8 bits where scales are found while a network runs."""
    from onnxruntime.quantization import QuantType, quantize_dynamic

    quantize_dynamic(source, target, op_types_to_quantize=["Conv", "Gemm", "MatMul"], weight_type=QuantType.QInt8)


def make_for_litert(name, target):
    from tflite import TfLite

    net = TfLite()
    target.write_bytes(net.model(ARCHITECTURES[name](net)))


def build_all(folder):
    """Makes all files; a runtime that cannot make its own says why, and is left out."""
    folder.mkdir(parents=True, exist_ok=True)
    for name, architecture in ARCHITECTURES.items():
        net = Onnx()
        onnx.save(net.model(architecture(net)), folder / f"{name}.onnx")
    for name in ["resnet18", "resnet50", "mobilenetv2"]:
        source = folder / f"{name}.onnx"
        attempt(quantize_for_openvino, source, folder / f"{name}.openvino.xml")
        attempt(quantize_for_onnxruntime, source, folder / f"{name}.int8.onnx")
        attempt(quantize_for_rten, source, folder / f"{name}.dynamic.onnx")
        attempt(make_for_litert, name, folder / f"{name}.tflite")


def attempt(make, source, target):
    try:
        make(source, target)
    except Exception as error:  # whatever a runtime throws is a reason to be told
        print(f"peers: {target.name} cannot be made: {type(error).__name__}: {error}", file=sys.stderr)
