//! What of the picture a position of a layer sees.

use crate::network::{MAX_EDGE, Network, Op, TrunkMode};
use std::ops::Range;

/// How the positions of a layer lie in the picture: the same down and across.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct ReceptiveField {
    /// Pixels from one position to the next.
    stride: usize,
    /// Pixels that are seen on either side of the middle one.
    reach: usize,
}

impl ReceptiveField {
    /// One pixel a position.
    const PIXEL: Self = Self { stride: 1, reach: 0 };
    /// What is pooled over the whole picture.
    const WHOLE: Self = Self { stride: 1, reach: MAX_EDGE };

    /// Of the layer number `layer`: for one that adds to the trunk, or reads it, of all that was added since the trunk
    /// started.
    ///
    /// # Panics
    /// Where the network has no such layer.
    pub(crate) fn of(network: &Network, layer: usize) -> Self {
        let mut fields: Vec<Self> = Vec::with_capacity(layer + 1);
        let mut trunk = Self::PIXEL;
        for layer in &network.layers()[..=layer] {
            let field = match &layer.op {
                Op::PixelEmbedding(_) => Self::PIXEL,
                Op::FloatConv(conv) => Self::PIXEL.behind(conv.geometry().kernel, conv.geometry().stride),
                Op::Conv { input, conv, .. } => fields[*input].behind(conv.geometry().kernel, conv.geometry().stride),
                Op::Residual { input, conv, trunk: mode } => {
                    let own = fields[*input].behind(conv.geometry().kernel, conv.geometry().stride);
                    let before = if *mode == TrunkMode::Add { trunk.reach } else { 0 };
                    trunk = Self { reach: own.reach.max(before), ..own };
                    trunk
                }
                Op::Activation(_) => trunk,
                Op::Classifier { .. } => Self::WHOLE,
            };
            fields.push(field);
        }
        fields[layer]
    }

    /// Of a convolution of what has this field.
    fn behind(self, kernel: usize, stride: usize) -> Self {
        Self { stride: self.stride * stride, reach: self.reach + self.stride * (kernel / 2) }
    }

    /// The rows, or columns, that the position number `at` sees of a picture of `edge` pixels a side.
    pub(crate) fn seen(self, at: usize, edge: usize) -> Range<usize> {
        let middle = at * self.stride;
        middle.saturating_sub(self.reach)..(middle + self.reach + 1).min(edge)
    }

    /// The most pixels a side that a position sees of a picture of `edge` pixels.
    pub(crate) fn widest(self, edge: usize) -> usize {
        (2 * self.reach + 1).min(edge)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::Engine;
    use crate::engine::cpu::{CpuEngine, Level};
    use crate::frame::InputImage;
    use crate::inspect::{LayerValues, Sampler};
    use crate::network::published::PublishedShape;
    use std::sync::Arc;

    #[test]
    fn only_pixels_in_the_field_change_a_position() {
        let edge = 64;
        for float_input in [false, true] {
            let shape = PublishedShape::named("erns18-0.75x").expect("published");
            let network = Arc::new(shape.random(3, float_input).expect("well formed"));
            let mut engine = CpuEngine::new(Arc::clone(&network), edge, Level::best(), 1).expect("a size of it");
            let mut image = InputImage::black(edge);
            image.rgb_mut().iter_mut().enumerate().for_each(|(i, byte)| *byte = (i * i % 251) as u8);
            for layer in (0..6).chain([network.layers().len() - 1]) {
                let own = network.shapes(edge)[layer];
                let field = ReceptiveField::of(&network, layer);
                let mut see = |image: &InputImage| {
                    let mut sampler = Sampler::new(&network, layer);
                    engine.run_probed(image, &mut sampler).expect("it runs");
                    // Its sums, or its codes where it has none.
                    let LayerValues { codes, sums, .. } = sampler.detail().clone();
                    move |place: usize| sums.get(place).or_else(|| codes.get(place).map(|&code| code.into()))
                };
                let before = see(&image);
                let mut seen = 0;
                for at in [own.edge / 2, 0] {
                    let (rows, columns) = (field.seen(at, edge), field.seen(at, edge));
                    let mut other = image.clone();
                    for (i, byte) in other.rgb_mut().iter_mut().enumerate() {
                        let (y, x) = (i / 3 / edge, i / 3 % edge);
                        *byte ^= if rows.contains(&y) && columns.contains(&x) { 0 } else { 0xff };
                    }
                    let after = see(&other);
                    for channel in 0..own.channels {
                        let place = (channel * own.edge + at) * own.edge + at;
                        assert_eq!(
                            before(place).expect("shown"),
                            after(place).expect("shown"),
                            "layer {layer}, position {at}"
                        );
                    }
                    // One pixel of its corner is enough to be seen by some channel.
                    let mut other = image.clone();
                    let corner = ((rows.end - 1) * edge + columns.end - 1) * 3;
                    other.rgb_mut()[corner..corner + 3].iter_mut().for_each(|byte| *byte ^= 0xff);
                    let after = see(&other);
                    let place = |channel: usize| (channel * own.edge + at) * own.edge + at;
                    seen += usize::from((0..own.channels).any(|c| before(place(c)) != after(place(c))));
                }
                assert!(seen > 0 || layer > 3, "layer {layer} sees less");
            }
        }
    }
}
