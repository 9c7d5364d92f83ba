//! Sums over feature vectors, from which a regression follows whatever the order in which they came.

use super::eyes::{Features, STEPS};

/// How many vectors there were, the sum of each feature, and the sum of the products of each two. In whole numbers, so that taking a
/// vector away leaves what was there before it came.
///
/// A product is at most 240² and thus 74 565 vectors fit; [`super::lesson`] keeps fewer.
#[derive(Clone)]
pub(super) struct Moments {
    width: usize,
    count: u32,
    sums: Vec<u32>,
    /// `[width][width]`; of a row what is not before the diagonal, as both halves are the same.
    products: Vec<u32>,
}

impl Moments {
    /// Of no vectors of `width` features.
    pub(super) fn new(width: usize) -> Self {
        Self { width, count: 0, sums: vec![0; width], products: vec![0; width * width] }
    }

    /// Of some vectors.
    pub(super) fn of<'a>(width: usize, vectors: impl IntoIterator<Item = &'a Features>) -> Self {
        let mut moments = Self::new(width);
        vectors.into_iter().for_each(|features| moments.add(features));
        moments
    }

    /// Vectors.
    pub(super) fn count(&self) -> u32 {
        self.count
    }

    /// Counts one more.
    pub(super) fn add(&mut self, features: &[u8]) {
        self.count += 1;
        self.each(features, u32::wrapping_add);
    }

    /// Counts one less: `features` was added before.
    pub(super) fn remove(&mut self, features: &[u8]) {
        self.count -= 1;
        self.each(features, u32::wrapping_sub);
    }

    fn each(&mut self, features: &[u8], with: impl Fn(u32, u32) -> u32) {
        let wide: Vec<u32> = features.iter().map(|&feature| u32::from(feature)).collect();
        self.sums.iter_mut().zip(&wide).for_each(|(sum, &one)| *sum = with(*sum, one));
        for (at, row) in self.products.chunks_exact_mut(self.width).enumerate() {
            let one = wide[at];
            if one > 0 {
                row[at..].iter_mut().zip(&wide[at..]).for_each(|(sum, &other)| *sum = with(*sum, one * other));
            }
        }
    }

    /// Without those of another, which were all added here before.
    pub(super) fn without(&self, other: &Self) -> Self {
        let difference = |a: &[u32], b: &[u32]| a.iter().zip(b).map(|(a, b)| a.wrapping_sub(*b)).collect();
        Self {
            width: self.width,
            count: self.count - other.count,
            sums: difference(&self.sums, &other.sums),
            products: difference(&self.products, &other.products),
        }
    }

    /// The mean of each feature, in codes.
    pub(super) fn mean(&self) -> Vec<f32> {
        let unit = 1.0 / (self.count.max(1) as f32 * STEPS as f32);
        self.sums.iter().map(|&sum| sum as f32 * unit).collect()
    }

    /// Adds the mean product of each two features, in codes and times `weight`, to the upper half of `[width][width]`.
    pub(super) fn add_mean_products(&self, weight: f32, to: &mut [f32]) {
        let unit = weight / (self.count.max(1) as f32 * (STEPS * STEPS) as f32);
        for (at, (row, to)) in self.products.chunks_exact(self.width).zip(to.chunks_exact_mut(self.width)).enumerate() {
            to[at..].iter_mut().zip(&row[at..]).for_each(|(to, &sum)| *to += sum as f32 * unit);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_taken_away_leaves_what_was_there() {
        let [one, two] = [[240, 0, 7], [3, 80, 160]];
        let mut moments = Moments::new(3);
        moments.add(&one);
        let alone = moments.clone();
        moments.add(&two);
        let rest = moments.without(&alone);
        moments.remove(&two);
        assert_eq!((moments.count, &moments.sums, &moments.products), (1, &alone.sums, &alone.products));
        assert_eq!(rest.mean(), [3.0 / 80.0, 1.0, 2.0]);
        let mut products = [0.0; 9];
        rest.add_mean_products(2.0, &mut products);
        assert_eq!(products[5], 4.0);
        assert_eq!(products[8], 8.0);
    }
}
