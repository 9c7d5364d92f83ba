//! Counts the sums of a layer into bins, by the code that each became.

use crate::inspect::LayerValues;
use crate::network::LayerShape;
use crate::pipeline::LayerDetail;

/// Most bins.
const BINS: f64 = 64.0;
/// Most values that are counted; of larger layers every n-th.
const MOST: usize = 1 << 16;

/// Bins between `low` and `high`, each with the number of values that became code 0, 1, 2, 3.
#[derive(Clone, Debug, Default)]
pub(super) struct Histogram {
    /// Left end of the first bin.
    pub(super) low: f64,
    /// Right end of the last bin.
    pub(super) high: f64,
    /// The counts.
    pub(super) bins: Vec<[u32; 4]>,
    /// Whether the codes are known; else all values stand under code 0.
    pub(super) coded: bool,
}

impl Histogram {
    /// Of all channels, or of one.
    fn count(values: &LayerValues, shape: LayerShape, of: Option<usize>, range: (f64, f64)) -> Self {
        let plane = shape.edge * shape.edge;
        let all = values.sums.len();
        let (start, end) = of.map_or((0, all), |channel| (channel * plane, ((channel + 1) * plane).min(all)));
        let width = ((range.1 - range.0) / BINS).max(f64::MIN_POSITIVE);
        // Whole widths keep the bins of integers equally full.
        let width = if matches!(values.sums, crate::inspect::SumValues::Integers(_)) { width.ceil() } else { width };
        let low = (range.0 / width).floor() * width;
        let bins = ((range.1 - low) / width).floor() as usize + 1;
        let coded = values.codes.len() == all;
        let mut histogram = Self { low, high: low + bins as f64 * width, bins: vec![[0; 4]; bins], coded };
        let stride = (end.saturating_sub(start)).div_ceil(MOST).max(1);
        for index in (start..end).step_by(stride) {
            let Some(value) = values.sums.get(index) else { break };
            let code = if coded { usize::from(values.codes[index]).min(3) } else { 0 };
            let bin = (((value - low) / width) as usize).min(bins - 1);
            histogram.bins[bin][code] += 1;
        }
        histogram
    }

    /// Where `value` lies between the ends, 0 to 1.
    pub(super) fn place(&self, value: f64) -> f32 {
        ((value - self.low) / (self.high - self.low).max(f64::MIN_POSITIVE)) as f32
    }
}

/// The histogram of the watched layer, counted anew only when the layer's values are new. Its range grows with what was
/// seen, so that bars do not jump from frame to frame.
#[derive(Debug, Default)]
pub(super) struct Cache {
    /// The sample and the channel that were counted.
    counted: Option<(u64, Option<usize>)>,
    histogram: Histogram,
    of: Option<(usize, LayerShape)>,
    /// The sample whose range was seen last.
    seen: Option<u64>,
    range: (f64, f64),
}

impl Cache {
    /// The histogram of `detail`.
    pub(super) fn get(&mut self, detail: &LayerDetail, shape: LayerShape, of: Option<usize>) -> &Histogram {
        let range = self.range(detail, shape);
        let key = Some((detail.sample, of));
        if self.counted != key {
            self.counted = key;
            self.histogram = Histogram::count(&detail.values, shape, of, range);
        }
        &self.histogram
    }

    /// The lowest and the highest sum seen of this layer.
    pub(super) fn range(&mut self, detail: &LayerDetail, shape: LayerShape) -> (f64, f64) {
        if self.of != Some((detail.layer, shape)) {
            *self = Self { of: Some((detail.layer, shape)), range: (0.0, 1.0), ..Self::default() };
        }
        if self.seen != Some(detail.sample) {
            self.seen = Some(detail.sample);
            let sums = &detail.values.sums;
            let stride = sums.len().div_ceil(MOST).max(1);
            let values = (0..sums.len()).step_by(stride).filter_map(|index| sums.get(index));
            self.range = values.fold(self.range, |(low, high), value| (low.min(value), high.max(value)));
        }
        self.range
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::inspect::SumValues;

    #[test]
    fn every_value_is_counted_once_and_in_its_bin() {
        let sums: Vec<i32> = (-300..300).collect();
        let codes = sums.iter().map(|&n| u8::from(n >= -100) + u8::from(n >= 0) + u8::from(n >= 100)).collect();
        let values = LayerValues { codes, sums: SumValues::Integers(sums), ..LayerValues::default() };
        let shape = LayerShape { channels: 6, edge: 10, macs: 0 };
        let detail = LayerDetail { sample: 1, layer: 3, values };
        let mut cache = Cache::default();
        let histogram = cache.get(&detail, shape, None);
        let totals = histogram.bins.iter().fold([0; 4], |sum, bin| [0, 1, 2, 3].map(|code| sum[code] + bin[code]));
        assert_eq!(totals, [200, 100, 100, 200]);
        let middle = (histogram.place(0.0) * histogram.bins.len() as f32) as usize;
        assert_eq!(histogram.bins[middle][1], 0, "the bin from 0 on holds code 2 alone");
        let one = cache.get(&detail, shape, Some(5));
        assert_eq!(one.bins.iter().map(|bin| bin[3]).sum::<u32>(), 100);
        assert_eq!(one.bins.iter().flatten().sum::<u32>(), 100);
    }

    /// Where the one lay, in memory, the next may lie.
    #[test]
    fn another_sample_at_the_same_address_is_counted_anew() {
        let shape = LayerShape { channels: 1, edge: 2, macs: 0 };
        let detail = |sample, sum| {
            let values = LayerValues { sums: SumValues::Integers(vec![sum; 4]), ..LayerValues::default() };
            LayerDetail { sample, layer: 0, values }
        };
        let mut cache = Cache::default();
        let mut place = Box::new(detail(1, 3));
        let high = cache.get(&place, shape, None).high;
        *place = detail(2, 40);
        assert_eq!(cache.range(&place, shape), (0.0, 40.0));
        assert!(cache.get(&place, shape, None).high > high);
    }
}
