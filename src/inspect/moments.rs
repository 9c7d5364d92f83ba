//! The strongest moments of a layer's channels: the positions of pictures that excited each channel most, and what they saw.
//!
//! What excites is the sum before thresholds; of a layer that has none (the pixel embedding), or whose sums an engine keeps to
//! itself (a board's convolutions), the code. Of a classifier it is the sum over all positions, one a row.

use super::receptive::ReceptiveField;
use super::values::{LayerValues, SumValues};
use crate::engine::{Engine, EngineError, Probe, Sums, Wants};
use crate::frame::InputImage;
use crate::network::{Network, Op};
use std::ops::Range;
use std::sync::Arc;

/// Moments that are kept of a channel.
pub(crate) const MOST_MOMENTS: usize = 9;
/// Bytes that all patches of a layer take at most.
const PATCH_BYTES: usize = 16 << 20;
/// The longest side of a patch in pixels, where there are few channels.
const LONGEST_SIDE: usize = 64;

/// The part of a picture that a position sees.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Patch {
    /// In pixels.
    pub(crate) width: usize,
    /// In pixels.
    pub(crate) height: usize,
    /// RGB, row by row.
    pub(crate) rgb: Vec<u8>,
}

impl Patch {
    /// Cuts it out; where a side would be longer than `longest`, each of its pixels is the mean of a square of the picture's.
    fn cut(input: &InputImage, rows: &Range<usize>, columns: &Range<usize>, longest: usize) -> Self {
        let step = rows.len().max(columns.len()).div_ceil(longest).max(1);
        let [height, width] = [rows, columns].map(|side| side.len().div_ceil(step));
        let mut rgb = Vec::with_capacity(height * width * 3);
        for y in rows.clone().step_by(step) {
            for x in columns.clone().step_by(step) {
                let (down, across) = (y..rows.end.min(y + step), x..columns.end.min(x + step));
                let count = (down.len() * across.len()) as u32;
                for colour in 0..3 {
                    let pixels = down.clone().flat_map(|y| across.clone().map(move |x| (y * input.edge() + x) * 3));
                    let sum: u32 = pixels.map(|at| u32::from(input.rgb()[at + colour])).sum();
                    rgb.push(((sum + count / 2) / count) as u8);
                }
            }
        }
        Self { width, height, rgb }
    }
}

/// What excited a channel.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Moment {
    /// The picture's number, as it was told.
    pub(crate) picture: u64,
    /// Row and column of the layer's position.
    pub(crate) at: [usize; 2],
    /// The sum or the code there.
    pub(crate) value: f64,
    /// What the position saw.
    pub(crate) patch: Arc<Patch>,
    /// The period of the picture, of which there is no second moment.
    period: u64,
}

/// What a run shows of a layer, CHW.
#[derive(Clone, Copy)]
pub(crate) enum Excitement<'a> {
    /// Sums before thresholds.
    Sums(Sums<'a>),
    /// Codes.
    Codes(&'a [u8]),
}

impl<'a> Excitement<'a> {
    /// Of a layer that was kept whole; `None` where nothing of it was shown.
    pub(crate) fn of(values: &'a LayerValues) -> Option<Self> {
        match &values.sums {
            SumValues::Integers(sums) if !sums.is_empty() => Some(Self::Sums(Sums::Integers(sums))),
            SumValues::Floats(sums) if !sums.is_empty() => Some(Self::Sums(Sums::Floats(sums))),
            _ => (!values.codes.is_empty()).then_some(Self::Codes(&values.codes)),
        }
    }

    /// The first of the largest values of a channel, with its place.
    fn strongest(self, channel: Range<usize>) -> Option<(usize, f64)> {
        match self {
            Self::Sums(Sums::Integers(sums)) => strongest(sums.get(channel)?),
            Self::Sums(Sums::Floats(sums)) => strongest(sums.get(channel)?),
            Self::Codes(codes) => strongest(codes.get(channel)?),
        }
    }
}

fn strongest<T: Copy + PartialOrd + Into<f64>>(values: &[T]) -> Option<(usize, f64)> {
    let most = values.iter().copied().reduce(|most, value| if value > most { value } else { most })?;
    let at = values.iter().position(|value| *value == most)?;
    Some((at, most.into()))
}

/// The strongest moments of every channel of a layer: nine each, strongest first, of equally strong ones the earlier picture's,
/// at most one of a period (a picture, or a second). Of a picture a channel's strongest position counts, of equally strong ones
/// the upper, then the left one.
///
/// Patches take 16 MiB at most: with many channels they are smaller.
#[derive(Clone, Debug)]
pub(crate) struct StrongestMoments {
    layer: usize,
    field: ReceptiveField,
    /// Positions a side.
    edge: usize,
    longest: usize,
    of_sums: bool,
    channels: Vec<Arc<Vec<Moment>>>,
}

impl StrongestMoments {
    /// Of layer number `layer`, for pictures of `edge` pixels; none yet.
    ///
    /// # Panics
    /// Where the network has no such layer.
    pub(crate) fn new(network: &Network, edge: usize, layer: usize) -> Self {
        let shape = network.shapes(edge)[layer];
        let room = PATCH_BYTES / (shape.channels * MOST_MOMENTS * 3);
        Self {
            layer,
            field: ReceptiveField::of(network, layer),
            edge: shape.edge,
            longest: room.isqrt().clamp(1, LONGEST_SIDE),
            of_sums: false,
            channels: vec![Arc::default(); shape.channels],
        }
    }

    /// The layer's number.
    pub(crate) fn layer(&self) -> usize {
        self.layer
    }

    /// A list a channel.
    pub(crate) fn channels(&self) -> &[Arc<Vec<Moment>>] {
        &self.channels
    }

    /// The longest side that a patch of a picture of `input_edge` pixels has here, in pixels, and the one that there is room for.
    pub(crate) fn sides(&self, input_edge: usize) -> [usize; 2] {
        [self.field.widest(input_edge).min(self.longest), self.longest]
    }

    /// Takes what `input` did to the layer. Pictures come in order: `picture` and `period` never fall.
    pub(crate) fn take(&mut self, [picture, period]: [u64; 2], seen: Excitement<'_>, input: &InputImage) {
        let of_sums = matches!(seen, Excitement::Sums(_));
        if of_sums != self.of_sums {
            // Another engine shows another thing, and sums are no codes.
            self.of_sums = of_sums;
            self.channels.fill(Arc::default());
        }
        let area = self.edge * self.edge;
        for (number, channel) in self.channels.iter_mut().enumerate() {
            let Some((place, value)) = seen.strongest(number * area..(number + 1) * area) else { return };
            let same_period = channel.iter().position(|moment| moment.period == period);
            let gives_way =
                same_period.or_else(|| channel.len().checked_sub(1).filter(|&last| last + 1 == MOST_MOMENTS));
            if gives_way.is_some_and(|other| channel[other].value >= value) {
                continue;
            }
            let at = [place / self.edge, place % self.edge];
            let [rows, columns] = at.map(|at| self.field.seen(at, input.edge()));
            let patch = Arc::new(Patch::cut(input, &rows, &columns, self.longest));
            // What was given away to look at stays as it was.
            let kept = Arc::make_mut(channel);
            if let Some(other) = gives_way {
                kept.remove(other);
            }
            let behind = kept.partition_point(|moment| moment.value >= value);
            kept.insert(behind, Moment { picture, at, value, patch, period });
        }
    }

    /// Runs `engine` on picture number `picture` of a set and takes what it does. An engine that shows nothing of the layer
    /// changes nothing: ask [`shown`] first.
    ///
    /// # Errors
    /// [`EngineError`].
    pub(crate) fn look(
        &mut self,
        engine: &mut dyn Engine,
        input: &InputImage,
        picture: u64,
    ) -> Result<(), EngineError> {
        let wants = shown(engine, self.layer).unwrap_or_default();
        engine.run_probed(input, &mut Onlooker { moments: self, wants, picture, input })?;
        Ok(())
    }
}

/// What an engine shows of a layer's excitement: its sums, else its codes; `None` where neither.
pub(crate) fn shown(engine: &dyn Engine, layer: usize) -> Option<Wants> {
    let (op, shows) = (&engine.network().layers()[layer].op, engine.shows(layer));
    if shows.sums && !matches!(op, Op::PixelEmbedding(_)) {
        return Some(Wants { sums: true, ..Wants::default() });
    }
    (shows.codes && op.makes_codes()).then_some(Wants { codes: true, ..Wants::default() })
}

/// Looks at one layer of one picture.
struct Onlooker<'a> {
    moments: &'a mut StrongestMoments,
    wants: Wants,
    picture: u64,
    input: &'a InputImage,
}

impl Onlooker<'_> {
    fn take(&mut self, layer: usize, seen: Excitement<'_>) {
        if layer == self.moments.layer {
            self.moments.take([self.picture; 2], seen, self.input);
        }
    }
}

impl Probe for Onlooker<'_> {
    fn wants(&self, layer: usize) -> Wants {
        if layer == self.moments.layer { self.wants } else { Wants::default() }
    }

    fn codes(&mut self, layer: usize, codes: &[u8]) {
        self.take(layer, Excitement::Codes(codes));
    }

    fn sums(&mut self, layer: usize, sums: Sums<'_>) {
        self.take(layer, Excitement::Sums(sums));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::network::published::PublishedShape;
    use crate::splitmix64::SplitMix64;

    fn network() -> Network {
        PublishedShape::named("erns18-0.75x").and_then(|shape| shape.random(1, false).ok()).expect("ours")
    }

    #[test]
    fn patches_are_what_the_position_sees_and_shrink_by_whole_pixels() {
        let mut input = InputImage::black(32);
        input.rgb_mut().iter_mut().enumerate().for_each(|(i, byte)| *byte = (i % 251) as u8);
        let whole = Patch::cut(&input, &(0..32), &(0..32), 64);
        assert_eq!((whole.width, whole.height, whole.rgb.as_slice()), (32, 32, input.rgb()));
        let corner = Patch::cut(&input, &(31..32), &(30..32), 64);
        assert_eq!((corner.width, corner.height, &corner.rgb[..]), (2, 1, &input.rgb()[(31 * 32 + 30) * 3..]));
        let half = Patch::cut(&input, &(0..5), &(0..5), 3);
        assert_eq!((half.width, half.height), (3, 3));
        let at = |y: usize, x: usize| u32::from(input.rgb()[(y * 32 + x) * 3]);
        assert_eq!(u32::from(half.rgb[0]), (at(0, 0) + at(0, 1) + at(1, 0) + at(1, 1) + 2) / 4);
        assert_eq!(u32::from(half.rgb[6]), (at(0, 4) + at(1, 4)).div_ceil(2));
    }

    #[test]
    fn moments_of_made_up_values_equal_brute_force() {
        let network = network();
        let (layer, input) = (3, InputImage::black(32));
        let shape = network.shapes(32)[layer];
        let area = shape.edge * shape.edge;
        let mut random = SplitMix64(7);
        for pictures_a_period in [1, 4] {
            let mut moments = StrongestMoments::new(&network, 32, layer);
            let mut all = vec![Vec::new(); shape.channels];
            for picture in 0..60_u64 {
                // Few values, so that many are equally strong.
                let sums: Vec<i32> = (0..shape.channels * area).map(|_| (random.next() % 4000 / 100) as i32).collect();
                let period = picture / pictures_a_period;
                moments.take([picture, period], Excitement::Sums(Sums::Integers(&sums)), &input);
                for (channel, all) in all.iter_mut().enumerate() {
                    let values = &sums[channel * area..][..area];
                    all.extend(values.iter().enumerate().map(|(at, &value)| (-value, picture, at, period)));
                }
            }
            for (channel, mut all) in all.into_iter().enumerate() {
                all.sort_unstable();
                let mut periods = std::collections::HashSet::new();
                all.retain(|&(.., period)| periods.insert(period));
                let found: Vec<_> = moments.channels()[channel]
                    .iter()
                    .map(|m| (-(m.value as i32), m.picture, m.at[0] * shape.edge + m.at[1], m.period))
                    .collect();
                assert_eq!(found, all[..MOST_MOMENTS], "channel {channel}, {pictures_a_period} pictures a period");
            }
        }
    }

    #[test]
    fn what_was_given_away_stays_and_sums_are_not_mixed_with_codes() {
        let (network, input) = (network(), InputImage::black(32));
        let mut moments = StrongestMoments::new(&network, 32, 1);
        let shape = network.shapes(32)[1];
        let codes = vec![3; shape.channels * shape.edge * shape.edge];
        moments.take([0, 0], Excitement::Codes(&codes), &input);
        let before = moments.clone();
        let sums = vec![-5; codes.len()];
        moments.take([1, 1], Excitement::Sums(Sums::Integers(&sums)), &input);
        let of = |moments: &StrongestMoments| moments.channels()[0].iter().map(|m| m.value).collect::<Vec<_>>();
        assert_eq!((of(&before), of(&moments)), (vec![3.0], vec![-5.0]));
    }

    #[test]
    fn patches_of_the_widest_layer_fit() {
        let shape = PublishedShape::named("erns50").expect("published");
        let network = shape.random(1, false).expect("well formed");
        for (layer, shape) in network.shapes(256).into_iter().enumerate() {
            let [side, longest] = StrongestMoments::new(&network, 256, layer).sides(256);
            assert!(
                side > 0 && side <= longest && longest * longest * 3 * MOST_MOMENTS * shape.channels <= PATCH_BYTES
            );
        }
    }
}
