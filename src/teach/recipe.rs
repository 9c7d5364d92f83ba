//! From what was seen of the classes to one binary filter each: ridge regression, then signs.
//!
//! W = (XᵀX + R)⁻¹ XᵀY, with a row of X a sample, in codes and without a bias (a classifier has none), and Y +1 for a sample's class and −1
//! for the others. Every class weighs the same, however many samples it has. R = v·(r·I + P): v is the features' mean variance, r a
//! constant, and P, where the empty place is taught, has what makes photographs of one thing differ, so that less is made of it.

use super::eyes::TeachError;
use super::moments::Moments;
use super::signs::{Filter, descend};
use nalgebra::{Cholesky, DMatrix, DVector};

/// The features' variance that every direction has beside its own; the second where the empty place is taught, and many samples are
/// composed.
const RIDGE: [f32; 2] = [1.0, 2.0];
/// The size of P.
const PRIOR: f32 = 0.5;
/// Frames that differ by less, in codes², are one frame.
const LEAST_VARIANCE: f32 = 1e-5;

/// What the filters are made from, of one layer.
pub(super) struct Evidence<'a> {
    /// One a class, none of them without samples.
    pub(super) classes: Vec<&'a Moments>,
    /// Samples of things that none of the classes is, and that must not be taken for one: classes that stay. Weighs as much as all
    /// classes.
    pub(super) against: Option<&'a Moments>,
    /// Samples of any other things.
    pub(super) others: Option<&'a Moments>,
    /// Directions that make things of one class differ, one a row; their squares sum up to the number of features.
    pub(super) prior: Option<&'a DMatrix<f32>>,
}

/// The filters.
pub(super) struct Filters {
    /// One a class.
    pub(super) classes: Vec<Filter>,
    /// Of things that are none of the classes.
    pub(super) other: Option<Filter>,
}

/// Learns from what was seen.
pub(super) fn learn(evidence: &Evidence<'_>) -> Result<Filters, TeachError> {
    let normal = Normal::of(evidence)?;
    let against = evidence.against.into_iter().map(|moments| (moments, evidence.classes.len() as f32));
    let groups: Vec<(&Moments, f32)> = evidence.classes.iter().map(|&moments| (moments, 1.0)).chain(against).collect();
    let total: f32 = groups.iter().map(|group| group.1).sum();
    let means: Vec<DVector<f32>> =
        groups.iter().map(|(group, weight)| DVector::from(group.mean()) * (weight / total)).collect();
    let sum: DVector<f32> = means.iter().sum();
    // Beside classes that stay not only the order of the answers counts: those of a class's own samples are to be above 0.
    let target = |(class, weighted): (&&Moments, &DVector<f32>)| match evidence.against {
        Some(_) => DVector::from(class.mean()) - &sum,
        None => weighted * 2.0 - &sum,
    };
    let targets: Vec<DVector<f32>> = evidence.classes.iter().zip(&means).map(target).collect();
    let targets = DMatrix::from_columns(&targets);
    let classes = normal.filters(&targets).ok_or(TeachError::Alike)?;
    let other = match evidence.others {
        None => None,
        Some(others) => {
            let target = DVector::from(others.mean()) - &sum;
            let with_others = normal.with(others);
            with_others.filters(&DMatrix::from_columns(&[target])).and_then(|mut filters| filters.pop())
        }
    };
    Ok(Filters { classes, other })
}

/// The normal equations' matrix, symmetric.
struct Normal {
    products: DMatrix<f32>,
}

impl Normal {
    fn of(evidence: &Evidence<'_>) -> Result<Self, TeachError> {
        let Some(first) = evidence.classes.first() else { return Err(TeachError::Alike) };
        let width = first.mean().len();
        let mut products = vec![0.0; width * width];
        let weight = 1.0 / evidence.classes.len() as f32;
        evidence.classes.iter().for_each(|class| class.add_mean_products(weight, &mut products));
        let variance = variance(evidence, &products, weight);
        if let Some(against) = evidence.against {
            against.add_mean_products(1.0, &mut products);
            products.iter_mut().for_each(|product| *product *= 0.5);
        }
        if variance < LEAST_VARIANCE {
            return Err(TeachError::Alike);
        }
        let mut products = symmetric(products, width);
        if let Some(prior) = evidence.prior {
            products.gemm_tr(PRIOR * variance, prior, prior, 1.0);
        }
        let ridge = RIDGE[usize::from(evidence.prior.is_some())] * variance;
        (0..width).for_each(|i| products[(i, i)] += ridge);
        Ok(Self { products })
    }

    /// With other things, which weigh as much as all of these.
    fn with(&self, others: &Moments) -> Self {
        let width = self.products.nrows();
        let mut products = vec![0.0; width * width];
        others.add_mean_products(1.0, &mut products);
        Self { products: &self.products + symmetric(products, width) }
    }

    /// The filters of what solves the equations for `targets`, a column each.
    fn filters(&self, targets: &DMatrix<f32>) -> Option<Vec<Filter>> {
        let weights = Cholesky::new(self.products.clone())?.solve(targets);
        Some(weights.column_iter().map(|weights| descend(weights.as_slice(), &self.products)).collect())
    }
}

/// The features' mean variance over all classes, from the products in the upper half of `[width][width]`.
fn variance(evidence: &Evidence<'_>, products: &[f32], weight: f32) -> f32 {
    let mut mean = vec![0.0; evidence.classes[0].mean().len()];
    for class in &evidence.classes {
        mean.iter_mut().zip(class.mean()).for_each(|(sum, mean)| *sum += mean * weight);
    }
    let width = mean.len();
    let squares: f32 = (0..width).map(|i| products[i * width + i]).sum();
    (squares - mean.iter().map(|mean| mean * mean).sum::<f32>()) / width as f32
}

/// A matrix of which the upper half is given, row by row.
fn symmetric(upper: Vec<f32>, width: usize) -> DMatrix<f32> {
    // By columns the rows' upper half is the lower one.
    let mut products = DMatrix::from_vec(width, width, upper);
    products.fill_upper_triangle_with_lower_triangle();
    products
}

#[cfg(test)]
mod tests {
    use super::*;

    fn seen(samples: &[[u8; 4]]) -> Moments {
        let mut moments = Moments::new(4);
        samples.iter().for_each(|sample| moments.add(sample));
        moments
    }

    fn evidence<'a>(classes: &[&'a Moments], others: Option<&'a Moments>) -> Evidence<'a> {
        Evidence { classes: classes.to_vec(), against: None, others, prior: None }
    }

    fn answer(filters: &Filters, sample: [u8; 4]) -> usize {
        let logit = |filter: &Filter| {
            filter.signs.iter().zip(sample).map(|(sign, feature)| sign * f32::from(feature)).sum::<f32>() * filter.scale
        };
        let logits: Vec<f32> = filters.classes.iter().chain(&filters.other).map(logit).collect();
        (0..logits.len()).max_by(|&a, &b| logits[a].total_cmp(&logits[b])).expect("some")
    }

    #[test]
    fn what_was_seen_is_told_apart_whatever_its_number() {
        let one = seen(&[[240, 10, 80, 80]; 30]);
        let two = seen(&[[20, 230, 80, 80], [0, 240, 90, 70]]);
        let filters = learn(&evidence(&[&one, &two], None)).expect("different");
        assert_eq!([answer(&filters, [200, 40, 80, 80]), answer(&filters, [40, 200, 80, 80])], [0, 1]);
        assert!(filters.other.is_none());
    }

    #[test]
    fn beside_classes_that_stay_own_samples_are_above_zero_and_others_below() {
        let [one, two] = [seen(&[[240, 10, 80, 80], [220, 0, 90, 70]]), seen(&[[20, 230, 80, 80], [0, 240, 90, 70]])];
        let stay = seen(&[[20, 10, 240, 90], [0, 30, 220, 70], [10, 10, 90, 230], [0, 0, 80, 240]]);
        let filters =
            learn(&Evidence { against: Some(&stay), ..evidence(&[&one, &two], None) }).expect("different").classes;
        let says = |filter: &Filter, sample: [u8; 4]| {
            filter.scale * filter.signs.iter().zip(sample).map(|(sign, feature)| sign * f32::from(feature)).sum::<f32>()
        };
        assert!(says(&filters[0], [230, 5, 85, 75]) > 0.0 && says(&filters[1], [10, 235, 85, 75]) > 0.0);
        for sample in [[10, 20, 230, 80], [5, 5, 85, 235]] {
            assert!(filters.iter().all(|filter| says(filter, sample) < 0.0), "{sample:?}");
        }
    }

    #[test]
    fn other_things_have_a_filter_of_their_own() {
        let one = seen(&[[240, 10, 10, 10], [220, 0, 20, 0]]);
        let two = seen(&[[10, 240, 10, 10], [0, 220, 0, 20]]);
        let others = seen(&[[10, 10, 240, 240], [30, 20, 200, 240], [0, 40, 240, 190]]);
        let filters = learn(&evidence(&[&one, &two], Some(&others))).expect("different");
        assert_eq!([answer(&filters, [230, 5, 15, 0]), answer(&filters, [20, 20, 220, 220])], [0, 2]);
    }

    #[test]
    fn frames_that_are_one_cannot_be_told_apart() {
        let black = seen(&[[0; 4]; 5]);
        assert!(matches!(learn(&evidence(&[&black, &black], None)), Err(TeachError::Alike)));
    }
}
