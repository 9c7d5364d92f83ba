//! The published shapes (ern-spec §5; Takahashi et al., arXiv 2410.11553, §3), and one walk over their layers in the
//! order of the data. What the layers hold comes from random numbers, or from a checkpoint.

use super::{BinaryConv, Classifier, Geometry, Layer, Op, Thresholds, TrunkMode};
use std::fmt;

/// The ending of the name of a twin without pixel embedding.
pub(crate) const FLOAT_INPUT: &str = "-float-input";

/// The blocks of a stage.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum BlockKind {
    /// Two 3×3 convolutions.
    Basic,
    /// 1×1, 3×3, 1×1, four times as wide at its end.
    Bottleneck,
}

impl fmt::Display for BlockKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Basic => "basic",
            Self::Bottleneck => "bottleneck",
        })
    }
}

/// A published shape.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PublishedShape {
    name: &'static str,
    block: BlockKind,
    blocks: [usize; 4],
    widths: [usize; 4],
}

/// The input edge in pixels that the published networks were trained at.
pub(super) const EDGE: usize = 256;

const FULL: [usize; 4] = [64, 128, 256, 512];

/// The five published shapes.
pub(crate) const SHAPES: [PublishedShape; 5] = [
    PublishedShape { name: "erns18-0.75x", block: BlockKind::Basic, blocks: [2, 2, 2, 2], widths: [64, 128, 256, 384] },
    PublishedShape { name: "erns18", block: BlockKind::Basic, blocks: [2, 2, 2, 2], widths: FULL },
    PublishedShape { name: "erns34", block: BlockKind::Basic, blocks: [3, 4, 6, 3], widths: FULL },
    PublishedShape { name: "erns50", block: BlockKind::Bottleneck, blocks: [3, 4, 6, 3], widths: FULL },
    PublishedShape { name: "erns101", block: BlockKind::Bottleneck, blocks: [3, 4, 23, 3], widths: FULL },
];

impl PublishedShape {
    /// The shape called `name`: `erns18-0.75x`, `erns18`, `erns34`, `erns50` or `erns101`.
    pub fn named(name: &str) -> Option<Self> {
        SHAPES.into_iter().find(|shape| shape.name == name)
    }

    /// Its name, lower case.
    pub(crate) fn name(self) -> &'static str {
        self.name
    }

    /// The kind of its blocks.
    #[cfg(feature = "import")]
    pub(super) fn block(self) -> BlockKind {
        self.block
    }

    /// How many blocks each stage has.
    #[cfg(feature = "import")]
    pub(super) fn blocks(self) -> [usize; 4] {
        self.blocks
    }

    /// Channels behind a stage, counted from 0.
    pub(super) fn out_width(self, stage: usize) -> usize {
        self.widths[stage] * if self.block == BlockKind::Bottleneck { 4 } else { 1 }
    }

    /// The layers of a network of this shape with `classes` classes, in the order of the data.
    ///
    /// # Errors
    /// The first one of `quantities`.
    pub(super) fn layers<Q: Quantities>(self, classes: usize, quantities: &mut Q) -> Result<Vec<Layer>, Q::Error> {
        let mut walk = LayerWalk { shape: self, quantities, layers: Vec::new(), trunk_bound: 0 };
        walk.stem()?;
        for stage in 0..4 {
            for block in 0..self.blocks[stage] {
                walk.block(stage, block)?;
            }
        }
        walk.end(classes)?;
        Ok(walk.layers)
    }
}

/// What one unit of the codes that a convolution reads is worth (ern-spec §3): 2/3 where the post scale is on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum CodeUnit {
    /// The raw code, of the embedding and of what feeds a convolution with the shared constant too.
    One,
    /// Of every other activation.
    TwoThirds,
}

/// A convolution with the batch norm and the quantizer behind it.
#[derive(Clone, Copy, Debug)]
#[cfg_attr(not(feature = "import"), expect(dead_code, reason = "who imports a checkpoint reads them"))]
pub(super) struct Activated<'a> {
    /// The convolution's module path in a checkpoint, without `network.`.
    pub(super) conv: &'a str,
    /// The batch norm's module path.
    pub(super) norm: &'a str,
    /// The convolution's shape.
    pub(super) geometry: Geometry,
    /// What the codes that it reads are worth.
    pub(super) unit: CodeUnit,
}

/// Where the quantities of a published network come from. Each is asked for once, in the order of the data.
pub(super) trait Quantities {
    /// Why one could not be had.
    type Error;

    /// The first layer: a table of codes, which `backbone.conv1` then reads, or a float convolution in the place of
    /// both.
    fn first(&mut self) -> Result<Op, Self::Error>;

    /// A convolution and the thresholds over its sums.
    fn activated(&mut self, part: Activated<'_>) -> Result<(BinaryConv, Thresholds<i32>), Self::Error>;

    /// The convolution `module`, whose sums go to the trunk.
    fn residual(&mut self, module: &str, geometry: Geometry) -> Result<BinaryConv, Self::Error>;

    /// The thresholds of the batch norm `norm` over a trunk of integers up to `bound` in size.
    fn activation(&mut self, norm: &str, channels: usize, bound: i32) -> Result<Thresholds<i32>, Self::Error>;

    /// The convolution `module` that makes logits.
    fn classifier(&mut self, module: &str, geometry: Geometry) -> Result<Classifier, Self::Error>;
}

/// Input channels, output channels, kernel, stride.
type Sizes = [usize; 4];

fn geometry([in_channels, out_channels, kernel, stride]: Sizes) -> Geometry {
    Geometry { in_channels, out_channels, kernel, stride }
}

/// Appends layers in the order of the data.
struct LayerWalk<'q, Q> {
    shape: PublishedShape,
    quantities: &'q mut Q,
    layers: Vec<Layer>,
    trunk_bound: i32,
}

impl<Q: Quantities> LayerWalk<'_, Q> {
    fn stem(&mut self) -> Result<(), Q::Error> {
        let mut codes = match self.quantities.first()? {
            Op::PixelEmbedding(table) => {
                let channels = 3 * table.depth();
                let embedding = self.push("pixel_embedding", Op::PixelEmbedding(table));
                self.stem_conv("1", embedding, [channels, 64, 3, 2], CodeUnit::One)?
            }
            float_conv => self.push("backbone.act1", float_conv),
        };
        for (part, sizes) in [("2", [64, 64, 3, 1]), ("_downsample", [64, 64, 3, 2])] {
            codes = self.stem_conv(part, codes, sizes, CodeUnit::TwoThirds)?;
        }
        Ok(())
    }

    fn stem_conv(&mut self, part: &str, input: usize, sizes: Sizes, unit: CodeUnit) -> Result<usize, Q::Error> {
        let [act, conv, norm] = ["act", "conv", "bn"].map(|kind| format!("backbone.{kind}{part}"));
        self.conv(&act, input, Activated { conv: &conv, norm: &norm, geometry: geometry(sizes), unit })
    }

    fn block(&mut self, stage: usize, block: usize) -> Result<(), Q::Error> {
        let prefix = format!("backbone.layer{}.{block}", stage + 1);
        let (width, out) = (self.shape.widths[stage], self.shape.out_width(stage));
        let first = block == 0;
        let stride = if first && stage > 0 { 2 } else { 1 };
        let from = match (first, stage) {
            (false, _) => out,
            (true, 0) => 64,
            (true, _) => self.shape.out_width(stage - 1),
        };
        let head = if self.shape.block == BlockKind::Basic { 0 } else { 1 };
        let entry = self.entry(&prefix, head, from)?;
        if first {
            self.residual(&format!("{prefix}.downsample"), entry, [from, out, 1, stride], TrunkMode::Start)?;
        }
        // The codes that a down-sampling path reads too carry no post scale.
        let unit = if first { CodeUnit::One } else { CodeUnit::TwoThirds };
        let (end, codes, sizes) = match self.shape.block {
            BlockKind::Basic => {
                let codes = self.branch_conv(&prefix, [1, 1], entry, [from, width, 3, stride], unit)?;
                ("conv2", codes, [width, out, 3, 1])
            }
            BlockKind::Bottleneck => {
                let codes = self.branch_conv(&prefix, [1, 2], entry, [from, width, 1, 1], unit)?;
                let sizes = [width, width, 3, stride];
                let codes = self.branch_conv(&prefix, [2, 3], codes, sizes, CodeUnit::TwoThirds)?;
                ("conv3", codes, [width, out, 1, 1])
            }
        };
        self.residual(&format!("{prefix}.{end}"), codes, sizes, TrunkMode::Add)
    }

    /// A block's first activation, number `head`, of `channels` channels.
    fn entry(&mut self, prefix: &str, head: usize, channels: usize) -> Result<usize, Q::Error> {
        let (act, norm) = (format!("{prefix}.act{head}"), format!("{prefix}.bn{head}"));
        if self.trunk_bound > 0 {
            return self.activation(&act, &norm, channels);
        }
        // conv1_2 has no batch norm of its own: the network's first block's reads it (ern-spec §5).
        let geometry = geometry([64, channels, 1, 1]);
        let part = Activated { conv: "backbone.conv1_2", norm: &norm, geometry, unit: CodeUnit::TwoThirds };
        self.conv(&act, self.layers.len() - 1, part)
    }

    /// Convolution number `conv` of a branch, and activation number `act` behind it.
    fn branch_conv(
        &mut self,
        prefix: &str,
        [conv, act]: [usize; 2],
        input: usize,
        sizes: Sizes,
        unit: CodeUnit,
    ) -> Result<usize, Q::Error> {
        let name = format!("{prefix}.act{act}");
        let (conv, norm) = (format!("{prefix}.conv{conv}"), format!("{prefix}.bn{act}"));
        self.conv(&name, input, Activated { conv: &conv, norm: &norm, geometry: geometry(sizes), unit })
    }

    fn end(&mut self, classes: usize) -> Result<(), Q::Error> {
        let width = self.shape.out_width(3);
        let input = self.activation("backbone.last_act_layer4", "backbone.last_bn_layer4", width)?;
        let classifier = self.quantities.classifier("conv", geometry([width, classes, 1, 1]))?;
        self.push("conv", Op::Classifier { input, classifier });
        Ok(())
    }

    fn push(&mut self, name: &str, op: Op) -> usize {
        self.layers.push(Layer { name: name.into(), op });
        self.layers.len() - 1
    }

    fn conv(&mut self, act: &str, input: usize, part: Activated<'_>) -> Result<usize, Q::Error> {
        let (conv, thresholds) = self.quantities.activated(part)?;
        Ok(self.push(act, Op::Conv { input, conv, thresholds }))
    }

    fn residual(&mut self, name: &str, input: usize, sizes: Sizes, trunk: TrunkMode) -> Result<(), Q::Error> {
        let conv = self.quantities.residual(name, geometry(sizes))?;
        let before = if trunk == TrunkMode::Add { self.trunk_bound } else { 0 };
        self.trunk_bound = before + conv.bound();
        self.push(name, Op::Residual { input, conv, trunk });
        Ok(())
    }

    fn activation(&mut self, act: &str, norm: &str, channels: usize) -> Result<usize, Q::Error> {
        let thresholds = self.quantities.activation(norm, channels, self.trunk_bound)?;
        Ok(self.push(act, Op::Activation(thresholds)))
    }
}

/// Labels for classes that nobody gave names.
pub(super) fn numbered_labels(classes: usize) -> Vec<String> {
    (0..classes).map(|class| format!("class {class}")).collect()
}
