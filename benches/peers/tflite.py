"""The same networks in LiteRT's format, made by hand: its converter would bring all of TensorFlow."""

import flatbuffers
import numpy as np
from ai_edge_litert import schema_py_generated as schema

from models import CLASSES, EDGE

# What one step of the 8 bits stands for in activations of about the size 1, behind a ReLU6, and without one.
SCALES = {None: 8 / 256, "relu": 8 / 256, "relu6": 6 / 256}
ZERO_POINTS = {None: 0, "relu": -128, "relu6": -128}
ACTS = {
    None: schema.ActivationFunctionType.NONE,
    "relu": schema.ActivationFunctionType.RELU,
    "relu6": schema.ActivationFunctionType.RELU6,
}
# An operator's version says which types it takes; these are the first with 8 bits, weights scaled a channel.
VERSIONS = {"CONV_2D": 3, "DEPTHWISE_CONV_2D": 3, "FULLY_CONNECTED": 4, "ADD": 2, "MAX_POOL_2D": 2, "MEAN": 2}
OPERATORS = list(VERSIONS)


class TfLite:
    """Builds a model with 8-bit activations and weights; a value is its tensor's number."""

    def __init__(self):
        self.random = np.random.default_rng(1)
        self.buffers, self.tensors, self.operators = [schema.BufferT()], [], []
        self.image = self.activations([1, EDGE, EDGE, 3], None)

    def channels(self, x):
        return self.tensors[x].shape[-1]

    def tensor(self, shape, kind, scale, zero_point=0, axis=0, values=None):
        buffer = 0
        if values is not None:
            buffer = len(self.buffers)
            self.buffers.append(schema.BufferT(data=np.frombuffer(values.tobytes(), np.uint8)))
        scales = np.atleast_1d(np.asarray(scale, np.float32))
        quantization = schema.QuantizationParametersT(
            scale=scales, zeroPoint=np.full(len(scales), zero_point, np.int64), quantizedDimension=axis
        )
        name = f"tensor{len(self.tensors)}"
        self.tensors.append(
            schema.TensorT(shape=list(shape), type=kind, buffer=buffer, name=name, quantization=quantization)
        )
        return len(self.tensors) - 1

    def activations(self, shape, act):
        return self.tensor(shape, schema.TensorType.INT8, SCALES[act], ZERO_POINTS[act])

    def operator(self, code, inputs, output, options):
        kind = getattr(schema.BuiltinOptions, type(options).__name__.removesuffix("T"))
        self.operators.append(
            schema.OperatorT(
                opcodeIndex=OPERATORS.index(code),
                inputs=inputs,
                outputs=[output],
                builtinOptionsType=kind,
                builtinOptions=options,
            )
        )
        return output

    def weights(self, x, shape, axis, fan_in, gain):
        """Weights with a scale an output channel, and biases in the sums' scale."""
        values = self.random.integers(-127, 128, shape, np.int8)
        scale = gain * np.sqrt(2 / fan_in) / 73 * self.random.uniform(0.9, 1.1, shape[axis])
        biases = np.zeros(shape[axis], np.int32)
        bias_scale = np.float32(self.tensors[x].quantization.scale[0]) * scale.astype(np.float32)
        return [
            self.tensor(shape, schema.TensorType.INT8, scale, axis=axis, values=values),
            self.tensor(biases.shape, schema.TensorType.INT32, bias_scale, values=biases),
        ]

    def conv(self, x, out, kernel, stride=1, groups=1, act=None, gain=1.0):
        edge, channels = self.tensors[x].shape[1], self.channels(x)
        output = self.activations([1, edge // stride, edge // stride, out], act)
        options = {"strideW": stride, "strideH": stride, "fusedActivationFunction": ACTS[act]}
        if groups == 1:
            weights = self.weights(x, (out, kernel, kernel, channels), 0, kernel * kernel * channels, gain)
            return self.operator("CONV_2D", [x, *weights], output, schema.Conv2DOptionsT(**options))
        weights = self.weights(x, (1, kernel, kernel, out), 3, kernel * kernel, gain)
        options = schema.DepthwiseConv2DOptionsT(depthMultiplier=1, **options)
        return self.operator("DEPTHWISE_CONV_2D", [x, *weights], output, options)

    def add(self, x, y, act=None):
        output = self.activations(self.tensors[x].shape, act)
        return self.operator("ADD", [x, y], output, schema.AddOptionsT(fusedActivationFunction=ACTS[act]))

    def max_pool(self, x):
        edge, quantization = self.tensors[x].shape[1] // 2, self.tensors[x].quantization
        shape = [1, edge, edge, self.channels(x)]
        output = self.tensor(shape, schema.TensorType.INT8, quantization.scale, quantization.zeroPoint[0])
        options = schema.Pool2DOptionsT(strideW=2, strideH=2, filterWidth=3, filterHeight=3)
        return self.operator("MAX_POOL_2D", [x], output, options)

    def classify(self, x):
        rows_and_columns = self.tensor([2], schema.TensorType.INT32, [], values=np.array([1, 2], np.int32))
        mean = self.activations([1, self.channels(x)], "relu")
        self.operator("MEAN", [x, rows_and_columns], mean, schema.ReducerOptionsT(keepDims=False))
        weights = self.weights(mean, (CLASSES, self.channels(x)), 0, self.channels(x), 1.0)
        output = self.activations([1, CLASSES], None)
        return self.operator("FULLY_CONNECTED", [mean, *weights], output, schema.FullyConnectedOptionsT())

    def model(self, output):
        codes = [getattr(schema.BuiltinOperator, code) for code in OPERATORS]
        graph = schema.SubGraphT(
            tensors=self.tensors, inputs=[self.image], outputs=[output], operators=self.operators, name="peer"
        )
        model = schema.ModelT(
            version=3,
            operatorCodes=[
                schema.OperatorCodeT(deprecatedBuiltinCode=code, builtinCode=code, version=version)
                for code, version in zip(codes, VERSIONS.values())
            ],
            subgraphs=[graph],
            buffers=self.buffers,
            description="peer",
        )
        builder = flatbuffers.Builder(1 << 20)
        builder.Finish(model.Pack(builder), b"TFL3")
        return bytes(builder.Output())
