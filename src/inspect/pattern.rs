//! What wrong values have in common: their channels, rows and columns modulo the lanes of an engine, their bits, their direction.

/// Lanes that engines have: of a vector, of an array, pixels, banks.
const LANES: [usize; 6] = [2, 4, 8, 16, 32, 64];
/// Most places of an axis that are told one by one, and most remainders.
const MOST_LISTED: usize = 4;
/// What is no chance any more: once in 10³.
const UNLIKELY: f64 = 3.0;
/// The sides of a map, as they are told.
const AXES: [[&str; 2]; 3] = [["channel", "channels"], ["row", "rows"], ["column", "columns"]];

/// A wrong value.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct WrongValue {
    /// Channel, row, column.
    pub at: [usize; 3],
    /// What it is (not a number where there is none).
    pub is: f64,
    /// What it should be.
    pub should: f64,
}

/// The wrong values of a map, in bounded memory.
#[derive(Clone, Debug)]
pub(crate) struct WrongValues {
    /// How many values the map has.
    pub total: usize,
    /// How many are wrong.
    pub count: usize,
    /// The first of them.
    pub first: Option<WrongValue>,
    /// Where any is wrong: channels, rows, columns.
    places: [Vec<bool>; 3],
    /// The least and the most that one is too large by.
    least: f64,
    most: f64,
    /// The bits that differ, of integers; all where a value is none.
    bits: u32,
    /// Whether such a bit is ever missing, and ever set in vain.
    missing: bool,
    surplus: bool,
}

impl WrongValues {
    /// Of a map of so many channels, and rows and columns.
    pub(crate) fn new(channels: usize, edge: usize) -> Self {
        Self {
            total: channels * edge * edge,
            count: 0,
            first: None,
            places: [channels, edge, edge].map(|size| vec![false; size]),
            least: f64::INFINITY,
            most: f64::NEG_INFINITY,
            bits: 0,
            missing: false,
            surplus: false,
        }
    }

    /// Compares two maps, CHW. What is missing of the first is wrong.
    pub(crate) fn of<T: Copy + PartialEq>(
        [channels, edge]: [usize; 2],
        is: &[T],
        should: &[T],
        value: impl Fn(T) -> f64,
    ) -> Self {
        let mut wrong = Self::new(channels, edge);
        for (i, &should) in should.iter().enumerate() {
            let is = is.get(i).copied();
            if is != Some(should) {
                let at = [i / (edge * edge), i / edge % edge, i % edge];
                wrong.add(WrongValue { at, is: is.map_or(f64::NAN, &value), should: value(should) });
            }
        }
        wrong
    }

    /// One more.
    pub(crate) fn add(&mut self, wrong: WrongValue) {
        self.count += 1;
        self.first.get_or_insert(wrong);
        for (places, at) in self.places.iter_mut().zip(wrong.at) {
            places[at] = true;
        }
        let more = wrong.is - wrong.should;
        // What is not a number makes both unknown, for good.
        let is_known = !more.is_nan() && !self.least.is_nan();
        (self.least, self.most) =
            if is_known { (more.min(self.least), more.max(self.most)) } else { (f64::NAN, f64::NAN) };
        let integers = [wrong.is, wrong.should].map(|value| (value.fract() == 0.0).then_some(value as i32));
        if let [Some(is), Some(should)] = integers {
            self.bits |= (is ^ should).cast_unsigned();
            self.missing |= !is & should != 0;
            self.surplus |= is & !should != 0;
        } else {
            self.bits = u32::MAX;
        }
    }

    /// What they have in common, a phrase each; none where there is nothing.
    pub(crate) fn patterns(&self) -> Vec<String> {
        let mut patterns: Vec<String> =
            AXES.iter().zip(&self.places).filter_map(|(names, places)| axis(*names, places)).collect();
        patterns.extend(self.direction());
        patterns.extend(self.bit());
        patterns
    }

    fn direction(&self) -> Option<String> {
        let direction = if self.least > 0.0 {
            "large"
        } else if self.most < 0.0 {
            "small"
        } else {
            return None;
        };
        Some(if self.least == self.most {
            format!("too {direction} by {}", self.least.abs())
        } else {
            format!("only too {direction}")
        })
    }

    fn bit(&self) -> Option<String> {
        if self.bits.count_ones() != 1 {
            return None;
        }
        let how = match (self.missing, self.surplus) {
            (true, false) => "missing",
            (false, true) => "set in vain",
            _ => "turned",
        };
        Some(format!("bit {} {how}", self.bits.trailing_zeros()))
    }
}

/// Which places of an axis: one, a range, those of some remainders modulo the lanes of an engine, or a few. Nothing where they are all
/// or where they are no pattern.
fn axis([one, many]: [&str; 2], places: &[bool]) -> Option<String> {
    let wrong: Vec<usize> = (0..places.len()).filter(|&place| places[place]).collect();
    let (first, last) = (*wrong.first()?, *wrong.last()?);
    if wrong.len() == places.len() {
        return None;
    }
    if first == last {
        return Some(format!("{one} {first}"));
    }
    // Where most places are wrong, a range or a list says little more than that values are right there by chance.
    let few = 2 * wrong.len() <= places.len();
    if few && wrong.len() > 2 && last - first + 1 == wrong.len() {
        return Some(format!("{many} {first} to {last}"));
    }
    if let Some((lanes, remainders)) = remainders(&wrong, places.len()) {
        return Some(format!("{many} ≡ {} (mod {lanes})", listed(&remainders)));
    }
    (few && wrong.len() <= MOST_LISTED).then(|| format!("{many} {}", listed(&wrong)))
}

fn listed(numbers: &[usize]) -> String {
    numbers.iter().map(usize::to_string).collect::<Vec<_>>().join(", ")
}

/// The number of lanes and the few remainders that explain all wrong places and as little else as can be; of equals the fewest
/// lanes. Most of what they explain is wrong, and every remainder stands for two places at least; or there is but one remainder, which
/// so many places do not share by chance.
fn remainders(wrong: &[usize], size: usize) -> Option<(usize, Vec<usize>)> {
    let explained = |lanes: usize| {
        let mut remainders: Vec<usize> = wrong.iter().map(|place| place % lanes).collect();
        remainders.sort_unstable();
        remainders.dedup();
        let few = remainders.len() <= MOST_LISTED.min(lanes / 2) && wrong.len() >= 2 * remainders.len();
        let count = (0..size).filter(|place| remainders.contains(&(place % lanes))).count();
        let no_chance = remainders.len() == 1 && (wrong.len() - 1) as f64 * (lanes as f64).log10() >= UNLIKELY;
        (few && 2 * wrong.len() > count || no_chance).then_some((count, lanes, remainders))
    };
    let best = LANES.into_iter().filter(|&lanes| lanes < size).filter_map(explained).min();
    best.map(|(_, lanes, remainders)| (lanes, remainders))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told(size: usize, wrong: impl IntoIterator<Item = usize>) -> Option<String> {
        let mut places = vec![false; size];
        wrong.into_iter().for_each(|place| places[place] = true);
        axis(AXES[0], &places)
    }

    #[test]
    fn places_of_an_axis_are_told_as_what_they_share() {
        let some = |text: &str| Some(text.to_owned());
        assert_eq!(told(64, [17]), some("channel 17"));
        assert_eq!(told(64, [5, 37]), some("channels ≡ 5 (mod 32)"));
        assert_eq!(told(128, [5, 37, 69, 101]), some("channels ≡ 5 (mod 32)"));
        // One of four is right by chance.
        assert_eq!(told(128, [5, 69, 101]), some("channels ≡ 5 (mod 32)"));
        assert_eq!(told(64, [5, 6, 37, 38]), some("channels ≡ 5, 6 (mod 32)"));
        assert_eq!(told(64, (0..64).filter(|i| i % 8 == 3)), some("channels ≡ 3 (mod 8)"));
        assert_eq!(told(64, (0..64).filter(|i| i % 2 == 1)), some("channels ≡ 1 (mod 2)"));
        // Three remainders of four are no even half: the smallest number of lanes that says exactly them.
        assert_eq!(told(64, (0..64).filter(|i| [0, 1, 3].contains(&(i % 8)))), some("channels ≡ 0, 1, 3 (mod 8)"));
        // Few of 32, but all of one lane of eight.
        assert_eq!(told(256, [2, 18, 26, 106, 250]), some("channels ≡ 2 (mod 8)"));
        assert_eq!(told(256, [2, 18, 26]), some("channels 2, 18, 26"));
        assert_eq!(told(64, 32..64), some("channels 32 to 63"));
        assert_eq!(told(64, [5, 6]), some("channels 5, 6"));
        assert_eq!(told(64, [5, 7]), some("channels 5, 7"));
        assert_eq!(told(64, [1, 6, 9, 40]), some("channels 1, 6, 9, 40"));
        assert_eq!(told(64, [1, 6, 9, 23, 40]), None);
        assert_eq!(told(64, 0..64), None);
        assert_eq!(told(64, 3..64), None);
        assert_eq!(told(4, [0, 2, 3]), None);
        assert_eq!(told(64, []), None);
        assert_eq!(told(1, [0]), None);
    }

    /// Every lane of every number of lanes is found, where three of its places or more are there.
    #[test]
    fn every_lane_is_found() {
        for lanes in LANES {
            for lane in 0..lanes {
                let size = 3 * lanes;
                let expected = format!("channels ≡ {lane} (mod {lanes})");
                assert_eq!(told(size, (lane..size).step_by(lanes)), Some(expected));
            }
        }
    }

    fn patterns(values: impl IntoIterator<Item = ([usize; 3], f64, f64)>) -> Vec<String> {
        let mut wrong = WrongValues::new(64, 32);
        values.into_iter().for_each(|(at, is, should)| wrong.add(WrongValue { at, is, should }));
        wrong.patterns()
    }

    #[test]
    fn bits_and_directions_are_told() {
        let rows = |i: usize| [9 + 5 * i, 2 + 3 * i, 3 + 7 * i];
        assert_eq!(
            patterns([(rows(0), 2.0, 3.0), (rows(1), 0.0, 1.0), (rows(2), 2.0, 3.0)]).split_off(3),
            ["too small by 1", "bit 0 missing"]
        );
        assert_eq!(patterns([(rows(0), 3.0, 2.0), (rows(1), 0.0, 1.0)]).split_off(3), ["bit 0 turned"]);
        assert_eq!(
            patterns([(rows(0), 3.0, 1.0), (rows(1), 2.0, 0.0)]).split_off(3),
            ["too large by 2", "bit 1 set in vain"]
        );
        assert_eq!(patterns([(rows(0), 3.0, 1.0), (rows(1), 2.0, 1.0)]).split_off(3), ["only too large"]);
        assert_eq!(
            patterns([(rows(0), -5.0, -1.0), (rows(1), 2.0, 6.0)]).split_off(3),
            ["too small by 4", "bit 2 missing"]
        );
        assert_eq!(patterns([(rows(0), 0.5, 1.0), (rows(1), 2.0, 1.0)]).split_off(3), [""; 0]);
        assert_eq!(patterns([(rows(0), f64::NAN, 1.0), (rows(1), 2.0, 1.0)]).split_off(3), [""; 0]);
    }

    #[test]
    fn maps_are_compared_and_places_named() {
        let should = vec![1_u8; 4 * 8 * 8];
        let mut is = should.clone();
        (0..4).for_each(|channel| is[channel * 64 + 8 + 3] = 3);
        let wrong = WrongValues::of([4, 8], &is, &should, f64::from);
        assert_eq!((wrong.count, wrong.total), (4, 256));
        assert_eq!(wrong.first, Some(WrongValue { at: [0, 1, 3], is: 3.0, should: 1.0 }));
        assert_eq!(wrong.patterns(), ["row 1", "column 3", "too large by 2", "bit 1 set in vain"]);
        assert_eq!(WrongValues::of([4, 8], &should, &should, f64::from).count, 0);
        assert_eq!(WrongValues::of([4, 8], &should[..255], &should, f64::from).count, 1);
    }
}
